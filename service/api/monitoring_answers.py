"""Shapes of what `/monitoring` answers, for the API's description and for tests; `monitoring_wire.py` writes them."""

from typing import Any

from service.api.answers import Shape
from service.ask.types import Mode, Outcome
from service.cache.port import CacheName, CacheResult
from service.errors import ErrorKind
from service.monitoring.port import QueryType, TraceSource
from service.routing.port import RouteReason, Tier


class QuantilesShape(Shape):
    """Of `count` durations in seconds."""

    count: int
    mean_s: float | None
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


class WindowShape(Shape):
    """Over what the quantiles are: the records kept, and since when (Unix seconds)."""

    records: int
    oldest_at: float | None


class PerformanceShape(Shape):
    """Since start; quantiles over the window. `message` says that nothing was asked yet."""

    total_queries: int
    errors: int
    avg_response_time: float
    min_response_time: float
    max_response_time: float
    error_rate: float
    model_usage: dict[str, int]
    query_types: dict[QueryType, int]
    outcomes: dict[Outcome, int]
    uptime_seconds: float
    response_time: QuantilesShape
    by_model: dict[str, QuantilesShape]
    window: WindowShape
    message: str | None = None


class OneCacheShape(Shape):
    """One cache since start. `results` counts lookups, `evictions` entries that left, each by reason."""

    hits: int
    misses: int
    hit_rate: float
    cache_size: int
    max_size: int
    size_bytes: int
    max_bytes: int
    results: dict[CacheResult, int]
    evictions: dict[str, int]
    seconds_saved: float


class CachesShape(OneCacheShape):
    """The answer cache, and every cache by name."""

    caches: dict[CacheName, OneCacheShape]


class ClearedShape(Shape):
    """Entries dropped, by cache."""

    cleared: dict[CacheName, int]


class QueryShape(Shape):
    """One finished request, and the stage at fault: the one furthest above its own normal (`usual_s`, the median for
    this model and stage) in multiples of its spread (`spread_s`, IQR / 1.349). Those are null while too little was
    asked to say. Times in seconds, `at` in Unix seconds; `question` is null unless content is captured."""

    at: float
    duration_s: float
    outcome: Outcome
    type: QueryType
    tier: Tier | None
    model: str | None
    mode: Mode | None
    reason: RouteReason | None
    cache: CacheResult | None
    cold: bool
    error: ErrorKind | None
    stages: dict[str, float]
    unaccounted_s: float
    phases: dict[str, float]
    input_tokens: int
    output_tokens: int
    degraded: list[str]
    trace_id: str
    trace_url: str | None
    question: str | None
    stage: str
    stage_s: float
    share: float
    usual_s: float | None
    spread_s: float | None
    usual_total_s: float | None


class RecentShape(Shape):
    """Newest last."""

    recent_times: list[float]
    recent: list[QueryShape]


class KeptShape(Shape):
    """What is kept over restarts: since when (Unix seconds), how many, in how many bytes. `problem` says why nothing
    more is kept, and what to do."""

    since_at: float | None
    records: int
    bytes: int
    problem: str | None


class SlowListShape(Shape):
    """Slowest first."""

    window_s: float
    slow: list[QueryShape]
    kept: KeptShape


class SpanShape(Shape):
    """One span; `start_s` counts from the trace's start, `parent_id` is empty for a root."""

    name: str
    span_id: str
    parent_id: str
    start_s: float
    duration_s: float
    status: str
    kind: str
    attributes: dict[str, Any]


class TraceShape(Shape):
    """One trace, spans by start; `source` says where it was found, `dropped` how many spans found no place."""

    trace_id: str
    source: TraceSource
    duration_s: float
    spans: list[SpanShape]
    dropped: int
    record: QueryShape | None
    trace_url: str | None


class NormalShape(Shape):
    """Median and spread (IQR / 1.349) in seconds of the last `n` answers; null while `n` is too small to say."""

    median: float | None
    spread: float | None
    n: int


class UsualOfModelShape(Shape):
    """One model, warm, with answers that were made and not found in the cache."""

    total_s: NormalShape
    stages: dict[str, NormalShape]


class UsualShape(Shape):
    """By model; `none` stands for answers that no model made."""

    models: dict[str, UsualOfModelShape]


class QueueShape(Shape):
    """How many questions a model works on, how many wait for it, and how many it takes at once."""

    in_flight: int
    waiting: int
    capacity: int


class LiveShape(Shape):
    """Steps of `step_s` seconds from `from_at` (Unix seconds) on; the last is not over yet. `latency` is the mean in
    seconds of answers that were made; null where nothing happened."""

    step_s: float
    from_at: float
    asked: list[int]
    hit_ratio: list[float | None]
    latency: dict[str, list[float | None]]
    tokens_per_s: dict[str, list[float | None]]
    queue: dict[str, QueueShape]


class ModelInfoShape(Shape):
    """In words."""

    name: str
    speed: str
    capability: str
    use_case: str


class ModelStatusShape(Shape):
    """One configured model: what is known of it, who waits for it, and how its last calls went."""

    name: str
    role: str
    tiers: list[Tier]
    installed: bool
    resident: bool
    digest: str | None
    size_bytes: int
    vram_bytes: int
    expires_at: float | None
    quantization: str
    parameter_size: str
    context_length: int
    in_flight: int
    waiting: int
    slots: int
    max_waiting: int
    usual_service_s: float
    last_load_s: float | None
    breaker: str
    info: ModelInfoShape


class ModelsShape(Shape):
    """The model server as last polled (Unix seconds, 0 = never), and every configured model."""

    reachable: bool
    polled_at: float
    swaps: int
    poll_errors: int
    models: list[ModelStatusShape]


class PreloadedShape(Shape):
    """The model is loaded now."""

    model: str
    resident: bool
