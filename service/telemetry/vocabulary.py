"""Words that only telemetry uses as label and attribute values; the others are the domain's own enums."""

from enum import StrEnum

from service.errors import ErrorKind

OTHER_MODEL = "other"
NO_MODEL = "none"
OTHER = ErrorKind.OTHER.value
SUCCESS = ""
COLLECTION = "documents"


class Phase(StrEnum):
    """Parts of a model's own time, in the order in which they happen."""

    QUEUE = "queue"
    LOAD = "load"
    PROMPT_EVAL = "prompt_eval"
    EVAL = "eval"


class Operation(StrEnum):
    """`gen_ai.operation.name`."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    RETRIEVAL = "retrieval"
    INVOKE_WORKFLOW = "invoke_workflow"


class Provider(StrEnum):
    """`gen_ai.provider.name`: no registered value names them, so these are custom ones."""

    OLLAMA = "ollama"
    CHROMA = "chroma"


class AskCache(StrEnum):
    """What the cache meant for the time of one answer."""

    HIT = "hit"
    MISS = "miss"
    BYPASS = "bypass"


class Start(StrEnum):
    """Whether a model had to be loaded for an answer, which can take longer than the answer itself."""

    WARM = "warm"
    COLD = "cold"


class Problem(StrEnum):
    """What went wrong inside telemetry itself; the answer never notices."""

    UNKNOWN_LABEL = "unknown_label"
    BUDGET = "series_budget"
    FAILED = "failed"


class Export(StrEnum):
    """What became of spans that were sent: acknowledged, or given up. Those dropped from a full queue were not sent."""

    DELIVERED = "delivered"
    FAILED = "failed"


class StatusClass(StrEnum):
    """How an HTTP request ended. 499: the client left before the whole answer was sent."""

    INFORMATIONAL = "1xx"
    SUCCESS = "2xx"
    REDIRECT = "3xx"
    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    LEFT = "499"


class RestoreEnd(StrEnum):
    """Which documents are in use after a restore: those of the checkpoint, or again those of before."""

    RESTORED = "restored"
    WENT_BACK = "went_back"


class HoldEnd(StrEnum):
    """How a time without writers ended: given back by who held them out, or run out."""

    RELEASED = "released"
    EXPIRED = "expired"
