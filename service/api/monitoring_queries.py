"""`/monitoring/recent`, `slow`, `traces`: single requests, found by what they were like."""

import math
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BeforeValidator

from service.api.access import needs, services_of
from service.api.direct import refusals
from service.api.monitoring_answers import RecentShape, SlowListShape, TraceShape
from service.api.monitoring_wire import kept_object, query_object, trace_object
from service.api.validation import Fault, Invalid
from service.api.wire import json_response
from service.ask.types import Outcome
from service.auth.principal import Scope
from service.cache.port import CacheResult
from service.monitoring.port import KEPT_S, Wanted
from service.monitoring.wanted import FAULTS, with_phases

router = APIRouter(prefix="/monitoring", tags=["monitoring"])

_MONITOR = [Depends(needs(Scope.MONITOR))]
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_KEPT_DAYS = round(KEPT_S / 86_400)
_MAX_NAMED = 20

_Count = Annotated[int, Query(ge=1, le=1000)]
_AS_PATTERN = {"pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?[smhd]?$"}
_Window = Annotated[
    str, Query(description=f"A time such as 90s, 15m, 1h, 2d; at most {_KEPT_DAYS}d.", json_schema_extra=_AS_PATTERN)
]


def _named(values: Any) -> Any:
    """A form sends fields that were left empty too: they allow everything."""
    return [value for value in values if value != ""] if isinstance(values, list) else values


# FastAPI gives a copy to each request.
_ANY: list[Any] = []
_SKIP_EMPTY = BeforeValidator(_named)
_Name = Annotated[str, Query(max_length=200)]
_Models = Annotated[list[_Name], _SKIP_EMPTY, Query(max_length=_MAX_NAMED, description="`none`: no model answered.")]
_Stages = Annotated[
    list[str],
    _SKIP_EMPTY,
    Query(
        max_length=_MAX_NAMED,
        description="The stage at fault; `generate` means the model's phases too.",
        json_schema_extra={"items": {"type": "string", "enum": [*FAULTS]}},
    ),
]
_Outcomes = Annotated[list[Outcome], _SKIP_EMPTY, Query(max_length=_MAX_NAMED)]
_Caches = Annotated[list[CacheResult], _SKIP_EMPTY, Query(max_length=_MAX_NAMED)]


async def _wanted(
    model: _Models = _ANY, stage: _Stages = _ANY, outcome: _Outcomes = _ANY, cache: _Caches = _ANY
) -> Wanted:
    """What the filters allow; each may be repeated."""
    unknown = set(stage) - set(FAULTS)
    if unknown:
        raise Invalid([Fault("stage", f"is none of {', '.join(FAULTS)}")])
    return Wanted(frozenset(model), with_phases(stage), frozenset(outcome), frozenset(cache))


_Wanted = Annotated[Wanted, Depends(_wanted)]


@router.get(
    "/recent",
    summary="The last requests",
    dependencies=_MONITOR,
    responses={200: {"model": RecentShape}, **refusals(401, 403, 422)},
)
async def recent(request: Request, wanted: _Wanted, count: _Count = 10) -> Response:
    """Newest last. Those since start from memory, older ones from what is kept."""
    services = services_of(request)
    found = list(services.monitor.recent(count, wanted))
    if len(found) < count:
        before = found[0].record.at if found else math.inf
        found = [*await services.slow_log.latest(before, count - len(found), wanted), *found]
    told = [query_object(query, services.about.trace_url) for query in found]
    return json_response({"recent_times": [query.record.duration_s for query in found], "recent": told})


@router.get(
    "/slow",
    summary="The slowest requests, and the stage at fault",
    dependencies=_MONITOR,
    responses={200: {"model": SlowListShape}, **refusals(401, 403, 422)},
)
async def slow(request: Request, wanted: _Wanted, window: _Window = "1h", count: _Count = 20) -> Response:
    """Slowest first. The stage at fault is the one furthest above its own normal, in multiples of its spread."""
    services = services_of(request)
    window_s = _seconds(window)
    found = await services.slow_log.slowest(window_s, count, wanted)
    told = [query_object(query, services.about.trace_url) for query in found]
    return json_response({"window_s": window_s, "slow": told, "kept": kept_object(await services.slow_log.kept())})


@router.get(
    "/traces/{trace_id}",
    summary="One request in full: its spans and its record",
    dependencies=_MONITOR,
    responses={200: {"model": TraceShape}, **refusals(401, 403, 404, 422, 502, 503, 504)},
)
async def trace(request: Request, trace_id: Annotated[str, Path(pattern="^[0-9a-fA-F]{32}$")]) -> Response:
    """From the latest in memory, else from Tempo."""
    services = services_of(request)
    trace_id = trace_id.lower()
    found = await services.traces.find(trace_id)
    query = services.monitor.find(trace_id) or await services.slow_log.find(trace_id)
    return json_response(trace_object(found, query, services.about.trace_url))


def _seconds(span: str) -> float:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise Invalid([Fault("window", "is not a time such as 90s, 15m, 1h, 2d")])
    seconds = float(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= KEPT_S:
        raise Invalid([Fault("window", f"must be more than 0 and at most {_KEPT_DAYS}d, for so long queries are kept")])
    return seconds
