"""What the service remembers of its own requests, and of their traces: the ports and their values.

All durations are seconds. `Monitor` is the memory of this process, `SlowLog` what is kept over restarts, `Traces` where
the spans of one request are found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from service.ask.types import Mode, Outcome, Stage
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.routing.port import RouteReason, Tier

# What figures and filters call the model of an answer that no model made.
NO_MODEL = "none"
# The part of generating an answer that none of the model server's phases explains.
GENERATE_OTHER = "generate.other"
# The time of a request that no stage explains.
UNACCOUNTED = "unaccounted"
# How long finished queries are kept.
KEPT_S = 7 * 86_400.0


class QueryType(StrEnum):
    """How a request was served, in one word."""

    CACHED = "cached"
    NORMAL = "normal"
    EXTRACTIVE = "extractive"
    NO_CONTEXT = "no_context"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One finished request. `at` is the end in Unix seconds; `model` None = no model answered.

    `phases` are the model server's own parts of the generate stage (queue, load, prompt_eval, eval), when one ran.
    `question` is empty unless content is captured.
    """

    at: float
    duration_s: float
    outcome: Outcome
    type: QueryType
    tier: Tier | None = None
    model: str | None = None
    mode: Mode | None = None
    reason: RouteReason | None = None
    cache: CacheResult | None = None
    cold: bool = False
    error: ErrorKind | None = None
    stages: Mapping[Stage, float] = field(default_factory=dict)
    unaccounted_s: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    degraded: tuple[str, ...] = ()
    trace_id: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of `count` durations; the figures are None while there are none."""

    count: int
    mean_s: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Since start: the counters. Over the kept records (at most the last `kept`): the quantiles.

    A request with an error counts in `errors`; rejected and cancelled ones count there too. `mean_s`, `min_s` and
    `max_s` are None before the first request. `by_model` holds requests that a model or the cache answered.
    """

    total: int
    errors: int
    uptime_s: float
    mean_s: float | None
    min_s: float | None
    max_s: float | None
    model_usage: Mapping[str, int]
    query_types: Mapping[QueryType, int]
    outcomes: Mapping[Outcome, int]
    overall: Quantiles
    by_model: Mapping[str, Quantiles]
    kept: int
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """One finished request, and the stage at fault: the one furthest above its own normal, in multiples of its spread
    (see `fault.py`). It is a `Stage`, a phase of the model server (`generate.queue|load|prompt_eval|eval|other`),
    or `unaccounted`. `share` is its part of the whole. What is usual was so when the request ended, for the same model
    and stage; None while too little was asked to say.
    """

    record: QueryRecord
    stage: str
    stage_s: float
    share: float
    usual_s: float | None = None
    spread_s: float | None = None
    usual_total_s: float | None = None


@dataclass(frozen=True, slots=True)
class Normal:
    """What is usual: the median of the last `n` values, and their spread, IQR / 1.349 (a standard deviation, where
    values are normally distributed; unmoved by outliers). Both None while `n` is too small to say."""

    n: int
    median_s: float | None = None
    spread_s: float | None = None


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for one model. `stages` is empty while too little was asked to say."""

    total: Normal
    stages: Mapping[str, Normal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter; what is empty allows everything. `models` may name `NO_MODEL`, `stages` are those at fault."""

    models: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    outcomes: frozenset[Outcome] = frozenset()
    caches: frozenset[CacheResult] = frozenset()


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """The last minutes in steps of `step_s` from `from_at` (Unix seconds) on; the last step is not over yet.

    `latency` is the mean by model of answers that were made, not found in the cache; `tokens_per_s` what each model
    wrote per second of its own time. None where nothing happened.
    """

    step_s: float
    from_at: float
    asked: Sequence[int]
    hit_ratio: Sequence[float | None]
    latency: Mapping[str, Sequence[float | None]]
    tokens_per_s: Mapping[str, Sequence[float | None]]


class Monitor(Protocol):
    """Remembers recent requests in memory, bounded. Never raises; costs microseconds per request."""

    def record(self, record: QueryRecord) -> None: ...

    def summary(self) -> Summary: ...

    def recent(self, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        """Newest last, at most `count`, of those since start."""
        ...

    def find(self, trace_id: str) -> JudgedQuery | None:
        """The latest query of this trace, since start."""
        ...

    def usual(self) -> Mapping[str, Usual]:
        """By model."""
        ...

    def live(self) -> LiveFigures: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What the slow log holds: since when (Unix seconds, None = nothing), how many records, in how many bytes on the
    disk. `problem` says what is wrong with it and what to do; empty when all is well."""

    since_at: float | None
    records: int
    size_bytes: int
    problem: str = ""


class SlowLog(Protocol):
    """Queries kept over restarts, for `KEPT_S` and within a byte bound: the quickest go first, failed ones last.

    Never raises: what cannot be written or read costs history, and `kept` tells it.
    """

    def note(self, query: JudgedQuery) -> None:
        """Keep it, soon. Never waits; for the thread of the event loop."""
        ...

    async def slowest(self, window_s: float, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        """Slowest first, among those that ended within the last `window_s`."""
        ...

    async def latest(self, before: float, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        """Newest last, among those that ended before `before` (Unix seconds)."""
        ...

    async def find(self, trace_id: str) -> JudgedQuery | None:
        """The query of this trace."""
        ...

    async def kept(self) -> Kept: ...

    async def close(self) -> None:
        """Write what is not yet written. Nothing is kept after it."""
        ...


class TraceSource(StrEnum):
    """Where a trace was found."""

    MEMORY = "memory"
    TEMPO = "tempo"


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """One span. Ids in hex, `parent_id` empty for a root; `start_s` counts from the trace's start."""

    name: str
    span_id: str
    parent_id: str
    start_s: float
    duration_s: float
    status: str
    kind: str
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace, spans by start. `dropped` counts spans that found no place."""

    trace_id: str
    source: TraceSource
    duration_s: float
    spans: Sequence[TraceSpan]
    dropped: int = 0


class Traces(Protocol):
    """Finds traces by id."""

    async def find(self, trace_id: str) -> Trace:
        """`trace_id` is 32 hex digits. Raises `NotFound`, whose detail says for how long traces are kept and where to
        look, and other `ServiceError`s when a store cannot be asked."""
        ...
