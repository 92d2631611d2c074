"""Shapes of what `/monitoring` answers, for the API's description and for tests; `monitoring_wire.py` writes them."""

from service.api.answers import Shape
from service.ask.types import Mode, Outcome
from service.cache.port import CacheName, CacheResult
from service.errors import ErrorKind
from service.monitoring.port import QueryType
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


class RecordShape(Shape):
    """One finished request, without its question. Times in seconds, `at` in Unix seconds."""

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


class RecentShape(Shape):
    """Newest last."""

    recent_times: list[float]
    recent: list[RecordShape]


class SlowShape(RecordShape):
    """A slow request, and the stage with the largest excess over what is usual for it."""

    stage: str
    stage_s: float
    share: float
    usual_s: float | None
    usual_total_s: float | None


class SlowListShape(Shape):
    """Slowest first."""

    window_s: float
    slow: list[SlowShape]


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
