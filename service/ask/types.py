"""Values of the use case: a question goes in, events and one result come out. Standard library only."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from service.cache.port import CacheControl, CacheName, CacheResult
from service.errors import ServiceError
from service.generation.port import Completion
from service.routing.port import AUTO, Route, Tier


class Stage(StrEnum):
    """Parts of one answer, in order. They are disjoint: their durations and the unaccounted rest sum to the total."""

    ROUTE = "route"
    CACHE_LOOKUP = "cache_lookup"
    COALESCE = "coalesce"
    EMBED = "embed"
    RETRIEVE = "retrieve"
    PROMPT = "prompt"
    ADMISSION = "admission"
    GENERATE = "generate"
    EXTRACT = "extract"
    CACHE_STORE = "cache_store"


class Mode(StrEnum):
    """How the answer was made."""

    GENERATED = "generated"
    EXTRACTIVE = "extractive"
    NO_CONTEXT = "no_context"


class Outcome(StrEnum):
    """How a request ended; one vocabulary for logs, spans, metrics and pages."""

    OK = "ok"
    NO_CONTEXT = "no_context"
    DEGRADED = "degraded"
    REJECTED = "rejected"
    ERROR = "error"
    CANCELLED = "cancelled"


class Degradation(StrEnum):
    """What was missing while the answer was made. The answer says so; the page explains it."""

    NO_EMBEDDER = "no_embedder"
    CHROMA_UNAVAILABLE = "chroma_unavailable"
    LLM_UNREACHABLE = "llm_unreachable"
    MODEL_UNAVAILABLE = "model_unavailable"
    STEPPED_DOWN = "stepped_down"
    CACHE_UNAVAILABLE = "cache_unavailable"
    PROMPT_TRUNCATED = "prompt_truncated"
    OUTPUT_TRUNCATED = "output_truncated"


@dataclass(frozen=True, slots=True)
class TraceRef:
    """Hex ids of the request's server span; empty when nothing traces."""

    trace_id: str = ""
    span_id: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One validated question. `tenant` and `scope` partition cache and corpus; no hit ever crosses them."""

    text: str
    model: str = AUTO
    temperature: float = 0.1
    max_tokens: int = 2000
    top_k: int = 5
    cache: CacheControl = CacheControl()
    tenant: str = "default"
    scope: str = "default"
    trace: TraceRef = TraceRef()


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage or sentence the answer rests on; `start` and `end` are characters in the document's text."""

    text: str
    source: str
    document_id: str
    chunk_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of an answer: what is cached and shared, free of anything that belongs to one request."""

    text: str
    mode: Mode
    model: str | None
    citations: tuple[Citation, ...] = ()
    degraded: tuple[Degradation, ...] = ()
    notice: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """What the cache did for this request. `name` is the cache that hit; `age_s` and the origin are set on hits.

    `degraded`: a store behind the cache failed, so that a hit may have been missed.
    """

    result: CacheResult
    name: CacheName = CacheName.ANSWER
    age_s: float = 0.0
    saved_s: float = 0.0
    origin_trace_id: str = ""
    origin_span_id: str = ""
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds per stage that ran; `unaccounted_s` is the rest, so that all of them sum to `total_s`."""

    total_s: float
    stages: Mapping[Stage, float] = field(default_factory=dict)
    unaccounted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AskResult:
    """The whole result of one request. `completion` is set when a model ran for it (never on a hit). `cold`: a model
    had to be loaded first, for it or for the work that it shared."""

    answer: Answer
    tier: Tier
    route: Route
    cache: CacheFacts
    timings: Timings
    outcome: Outcome
    trace_id: str = ""
    completion: Completion | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """First event: the decision, before any token."""

    route: Route
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text, or of the model's thinking."""

    text: str
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """Last event of an answer."""

    result: AskResult


@dataclass(frozen=True, slots=True)
class Failed:
    """Last event of a failure. What was known by then is kept, so that slow failures can be explained too."""

    error: ServiceError
    outcome: Outcome
    timings: Timings
    route: Route | None = None
    cache: CacheFacts | None = None


AskEvent = Started | Token | Done | Failed


class Asker(Protocol):
    """The use case. Wrappers for telemetry and monitoring implement it too."""

    def ask(self, question: Question) -> AsyncIterator[AskEvent]:
        """`Started`, any number of `Token`, then exactly one `Done` or `Failed`. Closing it early cancels the work,
        unless another request waits for the same answer. Never raises a `ServiceError`."""
        ...
