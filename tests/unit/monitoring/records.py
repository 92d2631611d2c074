"""Records to test with: a warm miss of one second unless said otherwise."""

from dataclasses import replace
from typing import Any

from service.ask.types import Mode, Outcome, Stage
from service.cache.port import CacheResult
from service.monitoring.port import QueryRecord, QueryType
from service.routing.port import RouteReason, Tier

MODEL = "llama3.2:3b"
WARM = QueryRecord(
    at=1_700_000_000.0,
    duration_s=1.0,
    outcome=Outcome.OK,
    type=QueryType.NORMAL,
    tier=Tier.SIMPLE,
    model=MODEL,
    mode=Mode.GENERATED,
    reason=RouteReason.POLICY,
    cache=CacheResult.MISS,
    stages={Stage.ROUTE: 0.01, Stage.RETRIEVE: 0.09, Stage.ADMISSION: 0.0, Stage.GENERATE: 0.9},
)


def warm(**changes: Any) -> QueryRecord:
    """`WARM` with changes."""
    return replace(WARM, **changes)


def hit(**changes: Any) -> QueryRecord:
    """A hit of two milliseconds."""
    facts: dict[str, Any] = {
        "duration_s": 0.002,
        "type": QueryType.CACHED,
        "cache": CacheResult.HIT,
        "stages": {Stage.ROUTE: 0.0005, Stage.CACHE_LOOKUP: 0.0015},
    }
    return warm(**(facts | changes))
