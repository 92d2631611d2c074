"""Shapes of what is answered, for the API's description and for tests. Nothing is built or checked with them at run
time: `wire.py` writes the same shapes directly."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from service.ask.types import Degradation, Mode
from service.auth.principal import Scope
from service.cache.port import CacheResult
from service.corpus.port import IngestResult
from service.errors import ErrorKind
from service.routing.port import RouteReason, Tier


class Shape(BaseModel):
    """All fields are always there."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """RFC 9457 problem document. `stage`, `errors` and `error` (OpenAI's form) are there where they apply."""

    type: str
    title: str
    status: int
    kind: ErrorKind
    detail: str
    trace_id: str
    stage: str | None = None
    errors: list[dict[str, str]] | None = None
    error: dict[str, str | None] | None = None


class CitationShape(Shape):
    """A passage the answer rests on; `start` and `end` are characters in `GET /documents/{document_id}/text`."""

    text: str
    source: str
    document_id: str
    chunk_id: str
    start: int
    end: int


class CacheShape(Shape):
    """What the cache did. A hit tells its age; an answer made by another request names that request's trace."""

    result: CacheResult
    age_s: float | None
    origin_trace_id: str | None


class FeaturesShape(Shape):
    """What the router read from the question."""

    words: int
    chars: int
    question_marks: int
    complex_indicators: int
    research_indicators: int
    technical_terms: int
    code: bool


class RoutingShape(Shape):
    """Which model was chosen, and why. `chosen` is null when no model can answer."""

    requested: str
    chosen: str | None
    tier: Tier
    reason: RouteReason
    explanation: list[str]
    features: FeaturesShape


class TimingsShape(BaseModel):
    """Seconds: `total_s`, one `<stage>_s` for every stage that ran, and `unaccounted_s`. The parts sum to the total."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, float]
    total_s: float
    unaccounted_s: float


class UsageShape(Shape):
    """Tokens that making this answer took; for a cached answer, when it was made."""

    input_tokens: int
    output_tokens: int


class AnswerShape(Shape):
    """An answer. `model` is null when no model wrote it (`mode` says how it was made)."""

    answer: str
    citations: list[CitationShape]
    model: str | None
    tier: Tier
    mode: Mode
    cache: CacheShape
    routing: RoutingShape
    timings: TimingsShape
    degraded: list[Degradation]
    notice: str
    trace_id: str
    usage: UsageShape


class DocumentShape(Shape):
    """A document that can be found."""

    id: str
    source: str
    media_type: str
    size_bytes: int
    chars: int
    chunks: int
    added_at: float
    embedded: bool


class IngestedShape(DocumentShape):
    """A document that was sent. `result` is added, replaced or unchanged."""

    result: IngestResult
    duration_s: float


class CorpusShape(Shape):
    """All documents; `version` rises with every change."""

    documents: list[DocumentShape]
    version: int
    chunks: int
    pending_vectors: int
    embedder: str | None


class DeletedShape(Shape):
    """What is gone."""

    id: str
    source: str
    deleted: bool


class HealthShape(Shape):
    """The process answers."""

    status: str
    service: str
    version: str
    environment: str


class DependencyShape(Shape):
    """One dependency; `required` ones decide."""

    name: str
    ok: bool
    required: bool


class ReadyShape(Shape):
    """`status` is ready, not_ready or shutting_down; `alerts` is off (nothing watches it), nobody_told or told."""

    status: str
    dependencies: list[DependencyShape]
    alerts: str


class SessionShape(Shape):
    """Who is asking, and whom."""

    name: str
    scopes: list[Scope]
    service: str
    version: str
    environment: str


class OpenAIModelShape(Shape):
    """A model in OpenAI's form."""

    id: str
    object: str
    created: int
    owned_by: str


class OpenAIModelsShape(Shape):
    """All models that may be named, `auto` first."""

    object: str
    data: list[OpenAIModelShape]


class ChatShape(BaseModel):
    """OpenAI's chat completion; `rag` holds citations and everything else that `POST /ask` tells."""

    model_config = ConfigDict(extra="forbid")

    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]
    rag: Annotated[dict[str, Any], Field(description="As in POST /ask, and `ignored_messages`.")]


class HeldShape(Shape):
    """Writers are kept out until `token` is given back, at most `for_s` seconds. `store` tells these files apart from
    those of every other corpus on the machine."""

    token: str
    store: str
    for_s: float
    drained_s: float
    version: int
    documents: int
    chunks: int


class ReleasedShape(Shape):
    """How long writers were kept out."""

    held_s: float


class RestoredShape(Shape):
    """The checkpoint that was gone back to."""

    noted: str


class SearchedShape(Shape):
    """Ids of chunks, best first, for each question in order."""

    found: list[list[str]]
