"""Liveness, readiness, metrics, and the description of all routes."""

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import needs, services_of
from service.api.answers import HealthShape, ReadyShape
from service.api.direct import refusals
from service.api.wire import json_response
from service.auth.principal import Scope

router = APIRouter(tags=["health"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", summary="Does the process answer?", responses={200: {"model": HealthShape}})
async def healthz(request: Request) -> Response:
    """Looks at nothing but itself."""
    about = services_of(request).about
    told = {"service": about.service, "version": about.version, "environment": about.environment}
    return json_response({"status": "ok"} | told)


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    summary="Can it answer questions?",
    responses={200: {"model": ReadyShape}, 503: {"model": ReadyShape, "description": "Not ready"}},
)
async def readyz(request: Request) -> Response:
    """Names and states only, because anybody may ask; `emini-rag doctor` says what to do."""
    services = services_of(request)
    statuses = await services.probes.check()
    if services.draining.draining:
        status = "shutting_down"
    else:
        status = "ready" if all(one.ok for one in statuses if one.required) else "not_ready"
    told = [{"name": one.name, "ok": one.ok, "required": one.required} for one in statuses]
    body = {"status": status, "dependencies": told, "alerts": services.about.alerts}
    return json_response(body, 200 if status == "ready" else 503)


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    dependencies=[Depends(needs(Scope.MONITOR))],
    responses={
        200: {"content": {"application/openmetrics-text": {}, "text/plain": {}}},
        **refusals(401, 403),
    },
)
async def metrics(request: Request) -> Response:
    """OpenMetrics, with exemplars, when the Accept header asks for it."""
    body, content_type = await services_of(request).exposition.render(request.headers.get("accept", ""))
    # As a raw header: the framework would add a second charset.
    return Response(body, headers={"content-type": content_type})


@router.get("/openapi.json", include_in_schema=False, dependencies=[Depends(needs())])
async def openapi(request: Request) -> Response:
    """For anybody with a key."""
    return json_response(request.app.openapi())
