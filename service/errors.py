"""What can go wrong, as one closed vocabulary and one small tree of exceptions.

Owns the error kinds. They are the `kind` of every problem reply, and the `error.type` of every span and metric, so the
three can never disagree. Knows no HTTP status (that is `api/errors.py`) and no vendor (adapters translate at their
edge, keeping the cause). "No passage found", "cache down" and "stepped down" are results, not exceptions.
"""

from enum import StrEnum


class ErrorKind(StrEnum):
    """Closed set of failure kinds; the value is what users, spans and metrics see."""

    BAD_REQUEST = "bad_request"
    INVALID_QUESTION = "invalid_question"
    UNSUPPORTED_DOCUMENT = "unsupported_document"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MODEL_NOT_FOUND = "model_not_found"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    BAD_GATEWAY = "bad_gateway"
    SERVER_ERROR = "server_error"
    STREAM_ERROR = "stream_error"
    STORAGE_FULL = "storage_full"
    SHUTTING_DOWN = "shutting_down"
    OTHER = "_OTHER"


class Dependency(StrEnum):
    """Everything the service calls that can be away."""

    OLLAMA = "ollama"
    CHROMA = "chroma"
    SQLITE = "sqlite"
    CACHE = "cache"


class ServiceError(Exception):
    """A failure with a kind, and a detail that is safe to show: never the question, a document, a key or a trace back.

    `retry_after_s` is set when waiting helps; `stage` names the pipeline stage that failed, once it is known.
    """

    def __init__(
        self, kind: ErrorKind, detail: str, *, retry_after_s: float | None = None, stage: str | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.stage = stage


class InvalidQuestion(ServiceError):
    """The request cannot be answered as it was asked; the detail says which field and what is allowed."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.INVALID_QUESTION, detail)


class UnknownModel(ServiceError):
    """A model outside the allow-list was asked for."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.MODEL_NOT_FOUND, detail)


class UnsupportedDocument(ServiceError):
    """A document cannot be read: broken, encrypted, empty, or of a type that is not accepted."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.UNSUPPORTED_DOCUMENT, detail)


class TooLarge(ServiceError):
    """A body, file, page count or chunk count is above its limit."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.TOO_LARGE, detail)


class NotFound(ServiceError):
    """The named thing is not here."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.NOT_FOUND, detail)


class Unauthorized(ServiceError):
    """No key, or one that is unknown, expired or revoked; which of these is not told."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.UNAUTHORIZED, detail)


class Forbidden(ServiceError):
    """A valid key without the scope that the route asks for."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.FORBIDDEN, detail)


class Overloaded(ServiceError):
    """The bounded queue is full or the wait in it ran out; nothing was started."""

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        super().__init__(ErrorKind.OVERLOADED, detail, retry_after_s=retry_after_s)


class DependencyError(ServiceError):
    """Something the service calls failed; `dependency` says which."""

    def __init__(
        self, kind: ErrorKind, dependency: Dependency, detail: str, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(kind, detail, retry_after_s=retry_after_s)
        self.dependency = dependency


class DependencyTimeout(DependencyError):
    """A dependency did not answer within its deadline."""

    def __init__(self, dependency: Dependency, detail: str) -> None:
        super().__init__(ErrorKind.TIMEOUT, dependency, detail)


class DependencyUnavailable(DependencyError):
    """A dependency cannot be reached, or its breaker is open; trying another way is safe."""

    def __init__(self, dependency: Dependency, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(ErrorKind.CONNECTION_ERROR, dependency, detail, retry_after_s=retry_after_s)


class BadDependencyReply(DependencyError):
    """A dependency answered with an error or with something unreadable."""
