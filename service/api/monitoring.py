"""`/monitoring`: what the service knows of its recent requests, caches and models; and two things to do about it."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from service.api.access import needs, services_of
from service.api.direct import refusals
from service.api.model_status import models_object
from service.api.monitoring_answers import (
    CachesShape,
    ClearedShape,
    ModelsShape,
    PerformanceShape,
    PreloadedShape,
    RecentShape,
    SlowListShape,
)
from service.api.monitoring_wire import caches_object, performance_object, record_object, slow_object
from service.api.validation import Fault, Invalid
from service.api.wire import json_response
from service.auth.principal import Scope
from service.errors import UnknownModel

router = APIRouter(prefix="/monitoring", tags=["monitoring"])

_MONITOR = [Depends(needs(Scope.MONITOR))]
_ADMIN = [Depends(needs(Scope.ADMIN))]
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_Count = Annotated[int, Query(ge=1, le=1000)]
_AS_PATTERN = {"pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?[smhd]?$"}
_Window = Annotated[str, Query(description="A time such as 90s, 15m, 1h, 2d.", json_schema_extra=_AS_PATTERN)]


@router.get(
    "/performance",
    summary="Counts and response times since start",
    dependencies=_MONITOR,
    responses={200: {"model": PerformanceShape}, **refusals(401, 403)},
)
async def performance(request: Request) -> Response:
    """Zeros and a `message` before the first question."""
    return json_response(performance_object(services_of(request).monitor.summary()))


@router.get(
    "/cache",
    summary="What the caches did",
    dependencies=_MONITOR,
    responses={200: {"model": CachesShape}, **refusals(401, 403)},
)
async def cache(request: Request) -> Response:
    """The answer cache at the top level, each cache by name under `caches`."""
    stats = {name: one.stats() for name, one in services_of(request).caches.items()}
    return json_response(caches_object(stats))


@router.delete(
    "/cache",
    summary="Empty every cache",
    dependencies=_ADMIN,
    responses={200: {"model": ClearedShape}, **refusals(401, 403)},
)
async def clear(request: Request) -> Response:
    """Counters stay; only entries go."""
    cleared = {name: await one.clear() for name, one in services_of(request).caches.items()}
    return json_response({"cleared": cleared})


@router.get(
    "/recent",
    summary="The last requests",
    dependencies=_MONITOR,
    responses={200: {"model": RecentShape}, **refusals(401, 403, 422)},
)
async def recent(request: Request, count: _Count = 10) -> Response:
    """Newest last, without their questions."""
    services = services_of(request)
    records = services.monitor.recent(count)
    told = [record_object(record, services.about.trace_url) for record in records]
    return json_response({"recent_times": [record.duration_s for record in records], "recent": told})


@router.get(
    "/slow",
    summary="The slowest requests, and the stage at fault",
    dependencies=_MONITOR,
    responses={200: {"model": SlowListShape}, **refusals(401, 403, 422)},
)
async def slow(request: Request, window: _Window = "1h", count: _Count = 20) -> Response:
    """Slowest first."""
    services = services_of(request)
    window_s = _seconds(window)
    told = [slow_object(one, services.about.trace_url) for one in services.monitor.slow(window_s, count)]
    return json_response({"window_s": window_s, "slow": told})


@router.get(
    "/models",
    summary="Every configured model: state, load, breaker",
    dependencies=_MONITOR,
    responses={200: {"model": ModelsShape}, **refusals(401, 403)},
)
async def models(request: Request) -> Response:
    """From the last poll of the model server; nothing is asked now."""
    return json_response(models_object(services_of(request)))


@router.post(
    "/models/{name:path}/preload",
    summary="Load a model, so that the next question need not wait for it",
    dependencies=_ADMIN,
    responses={200: {"model": PreloadedShape}, **refusals(401, 403, 404, 500, 502, 503, 504)},
)
async def preload(request: Request, name: str) -> Response:
    """Answers once the model is resident; a large one takes a minute."""
    services = services_of(request)
    if name not in (*services.chat_models, services.embedding_model):
        raise UnknownModel("no such model; /monitoring/models lists those that are configured")
    await services.directory.preload(name)
    return json_response({"model": name, "resident": True})


def _seconds(span: str) -> float:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise Invalid([Fault("window", "is not a time such as 90s, 15m, 1h, 2d")])
    return float(found[1]) * _SECONDS[found[2]]
