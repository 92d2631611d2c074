"""`/monitoring`: figures of requests, caches and models; and two things to do about it. Single requests are found in
`monitoring_queries.py`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from service.api.access import needs, services_of
from service.api.direct import refusals
from service.api.model_status import models_object
from service.api.monitoring_answers import (
    CachesShape,
    ClearedShape,
    LiveShape,
    ModelsShape,
    PerformanceShape,
    PreloadedShape,
    UsualShape,
)
from service.api.monitoring_wire import caches_object, live_object, performance_object, usual_object
from service.api.wire import json_response
from service.auth.principal import Scope
from service.errors import UnknownModel

router = APIRouter(prefix="/monitoring", tags=["monitoring"])

_MONITOR = [Depends(needs(Scope.MONITOR))]
_ADMIN = [Depends(needs(Scope.ADMIN))]
_Model = Annotated[str, Query(max_length=200, description="One model; empty = all.")]


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
    "/usual",
    summary="What is usual for each model and stage",
    dependencies=_MONITOR,
    responses={200: {"model": UsualShape}, **refusals(401, 403, 422)},
)
async def usual(request: Request, model: _Model = "") -> Response:
    """Median and spread of the last warm answers that were made. Nulls while there are too few to say."""
    return json_response(usual_object(services_of(request).monitor.usual(), model))


@router.get(
    "/live",
    summary="The last 15 minutes in small figures, for charts",
    dependencies=_MONITOR,
    responses={200: {"model": LiveShape}, **refusals(401, 403)},
)
async def live(request: Request) -> Response:
    """Since start; nulls where nothing happened."""
    services = services_of(request)
    loads = {model: services.limiter.load(model) for model in services.chat_models}
    return json_response(live_object(services.monitor.live(), loads))


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
