"""The application: every route under / and under /api, its guard, its error handlers, its end."""

import asyncio
import copy
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.routing import compile_path
from starlette.types import ASGIApp

from service.api import ask, checkpoint, documents, health, monitoring, monitoring_queries, openai, page, session
from service.api.description import describe
from service.api.errors import add_error_handlers
from service.api.guards import Guard
from service.services import Services

_log = logging.getLogger(__name__)

# The most used first: they are tried in order.
_ROUTERS = (
    ask.router,
    openai.chat_router,
    health.router,
    monitoring.router,
    monitoring_queries.router,
    openai.router,
    documents.upload_router,
    documents.router,
    checkpoint.router,
    session.router,
    page.router,
)
_PREFIXES = ("", "/api")
# Each may hold a whole file in memory.
_UPLOADS_AT_ONCE = 4
# Drain, last words and this stay below the 15 s after which supervisors lose patience.
_CLOSE_S = 6.0
_DESCRIPTION = "Answers questions from your own documents, with citations, and says where every second went."
# Spans and metrics are made in `telemetry`; the framework's own would be a second set.
_NO_TELEMETRY: Any = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}


class RagApp(FastAPI):
    """FastAPI with our description of the routes."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = describe(self)
        return self.openapi_schema


def create_app(
    services: Services, extra_middleware: Sequence[Callable[[ASGIApp], ASGIApp]] = (), *, close_s: float = _CLOSE_S
) -> FastAPI:
    """The app over `services`, which it closes at its end, within `close_s`.

    `extra_middleware` stands outside the guard, first one outermost, and so sees refusals too; each must be pure ASGI
    (`BaseHTTPMiddleware` hides disconnects).
    """

    def guard(app: ASGIApp) -> ASGIApp:
        return Guard(app, services.limits, lambda: services.current_trace().trace_id)

    layers: tuple[Callable[[ASGIApp], ASGIApp], ...] = (*extra_middleware, guard)
    app = RagApp(
        title=services.about.service,
        version=services.about.version,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        middleware=[Middleware(layer) for layer in layers],
        lifespan=partial(_lifespan, close_s=close_s),
    )
    app.state.services = services
    app.state.uploads = asyncio.Semaphore(_UPLOADS_AT_ONCE)
    for prefix in _PREFIXES:
        for router in _ROUTERS:
            app.router.routes.extend(_routes(router, prefix))
    add_error_handlers(app, services)
    return app


def _routes(router: APIRouter, prefix: str) -> list[APIRoute]:
    """The router's routes as flat ones: an included router is matched twice per request, which a cached answer feels.
    Those under a prefix are copies that the description leaves out."""
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    return [_under(prefix, route) for route in routes] if prefix else routes


def _under(prefix: str, route: APIRoute) -> APIRoute:
    moved = copy.copy(route)
    moved.path = prefix + route.path
    moved.path_regex, moved.path_format, moved.param_convertors = compile_path(moved.path)
    moved.include_in_schema = False
    return moved


@asynccontextmanager
async def _lifespan(app: FastAPI, close_s: float) -> AsyncIterator[None]:
    yield
    try:
        async with asyncio.timeout(close_s):
            await app.state.services.close()
    except TimeoutError:
        _log.error("closing took longer than %g s; what had not ended by then was left", close_s)
