"""What the service remembers of its own recent requests: the ports and their values. All durations are seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from service.ask.types import Mode, Outcome, Stage
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.routing.port import RouteReason, Tier


class QueryType(StrEnum):
    """How a request was served, in one word."""

    CACHED = "cached"
    NORMAL = "normal"
    EXTRACTIVE = "extractive"
    NO_CONTEXT = "no_context"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class QueryRecord:
    """One finished request, without its question. `at` is the end in Unix seconds; `model` None = no model answered.

    `phases` are the model server's own parts of the generate stage (queue, load, prompt_eval, eval), when one ran.
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
class SlowQuery:
    """One slow request and where its time went. `stage` is the one with the largest excess over what is usual for it
    (for this model where a model is meant); `share` its part of the whole; `usual_s` None while nothing is known.
    It is a `Stage`, a phase of the model server (`generate.queue|load|prompt_eval|eval`), or `unaccounted`.
    """

    record: QueryRecord
    stage: str
    stage_s: float
    share: float
    usual_s: float | None
    usual_total_s: float | None


class Monitor(Protocol):
    """Remembers recent requests in memory, bounded. Never raises; costs microseconds per request."""

    def record(self, record: QueryRecord) -> None: ...

    def summary(self) -> Summary: ...

    def recent(self, count: int) -> Sequence[QueryRecord]:
        """Newest last, at most `count`."""
        ...

    def slow(self, window_s: float, count: int) -> Sequence[SlowQuery]:
        """Slowest first, among those of the last `window_s`."""
        ...
