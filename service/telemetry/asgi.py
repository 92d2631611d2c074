"""Every HTTP request measured once: one server span, one histogram value, one log line, and its trace id in the reply.

From outside in: the veil (`veil.py`), OpenTelemetry's own FastAPI instrumentation, which makes the server span, and
`RequestTelemetry`, which sees the end of the reply (the last chunk of a stream), who left early, and failures that
nobody else caught.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from re import Pattern
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.propagate import get_global_textmap
from opentelemetry.trace import Span, SpanContext, TracerProvider, format_trace_id, get_current_span
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.clock import Clock
from service.errors import ErrorKind, ServiceError
from service.telemetry.catalogue import HTTP_DURATION, Attribute
from service.telemetry.logs import mark_told
from service.telemetry.meters import Meters
from service.telemetry.routes import UNMATCHED, Routes
from service.telemetry.veil import Veil, cover, lift
from service.telemetry.vocabulary import OTHER, StatusClass

App = FastAPI

# Asked every few seconds by machines, or the files of the page: no span, no histogram; a log line only when they fail.
QUIET_ROUTES = frozenset(("/healthz", "/readyz", "/metrics", "/monitoring/live", "/console/{name:path}"))
# Their replies are what users wait for: good and bad ones are counted from zero on.
_ANSWERING = ("/ask", "/v1/chat/completions")
_EXPECTED = (StatusClass.SUCCESS, StatusClass.CLIENT_ERROR, StatusClass.SERVER_ERROR)
# They are matched with whatever Host a client sends, so each is tied to the end of the path.
_EXCLUDED_URLS = r"/healthz$,/readyz$,/metrics/?$,/monitoring/live$,/console/[a-z/-]+\.(?:js|css|svg)$"
# Not ready is an answer: what is away is told once, by who looks at it.
_QUIET_STATUSES = frozenset((*range(200, 500), 503))
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_LEFT = 499
# One line of this many hits is written; everything else is written always.
_HITS_PER_LINE = 100
# Trace context that holds whatever a client likes, and would stand on every span of its trace.
_FREE_TEXT = frozenset(("tracestate", "baggage"))
_TOLD_HEADERS = {b"x-rag-cache": "cache", b"x-rag-model": "model", b"x-rag-outcome": "outcome"}

_log = logging.getLogger(__name__)
_requests = logging.getLogger("service.requests")


def instrument(app: App, tracer_provider: TracerProvider, meters: Meters, clock: Clock) -> None:
    """Measure every request of `app`. Call it once, last, when all other middleware is there."""
    routes = routes_of(app)
    app.add_middleware(RequestTelemetry, routes=routes, meters=meters, clock=clock)
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=tracer_provider,
        # Its metrics would say the same as ours, without our routes and buckets.
        meter_provider=NoOpMeterProvider(),
        excluded_urls=_EXCLUDED_URLS,
        exclude_spans=["receive", "send"],
    )
    build = app.build_middleware_stack
    shown = [name.lower().encode() for name in get_global_textmap().fields if name.lower() not in _FREE_TEXT]

    def veiled() -> ASGIApp:
        stack = build()
        _name_spans(stack, routes)
        return Veil(stack, shown)

    app.build_middleware_stack = veiled  # type: ignore[method-assign]


def routes_of(app: App) -> Routes:
    """The routes that `app` will have by its first request."""

    def read() -> Iterator[tuple[str, Pattern[str] | None]]:
        for route in iter_route_contexts(app.routes):
            path, pattern = getattr(route, "path", None), getattr(route, "path_regex", None)
            if isinstance(path, str) and path:
                yield path, pattern if isinstance(pattern, Pattern) else None

    return Routes(read)


def _name_spans(stack: Any, routes: Routes) -> None:
    """Have spans named from our table: the instrumentation tries every route of the app again for each request."""
    while stack is not None and not isinstance(stack, OpenTelemetryMiddleware):
        stack = getattr(stack, "app", None)
    if stack is not None:
        stack.default_span_details = _span_details(routes)


def _span_details(routes: Routes) -> Callable[[Scope], tuple[str, dict[str, str]]]:
    def details(scope: Scope) -> tuple[str, dict[str, str]]:
        method = scope["method"] if scope["method"] in _METHODS else "HTTP"
        template = routes.find(scope["path"])
        # The path as it was sent is made up by the client: the template takes its place.
        if template is None:
            return method, {Attribute.URL_PATH: UNMATCHED}
        return f"{method} {template.path}", {Attribute.HTTP_ROUTE: template.path, Attribute.URL_PATH: template.path}

    return details


class RequestTelemetry:
    """ASGI middleware inside the server span. It adds one call to each message, buffers nothing and never fails."""

    def __init__(self, app: ASGIApp, routes: Routes, meters: Meters, clock: Clock) -> None:
        self._app = app
        self._routes = routes
        self._meters = meters
        self._clock = clock
        self._hits = 0
        for route, status_class in product(_ANSWERING, _EXPECTED):
            meters.prepare(HTTP_DURATION, route=route, method="POST", status_class=status_class)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._clock.monotonic()
        exchange = _Exchange(receive, send, get_current_span(), veiled=lift(scope))
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:
            if exchange.left and isinstance(error, OSError):
                raise  # the server's way to say that nobody reads any more
            raise exchange.failed(error) from None
        except BaseException:
            exchange.cancelled()
            raise
        finally:
            self._record(scope, exchange, self._clock.monotonic() - started_s)

    def _record(self, scope: Scope, exchange: "_Exchange", duration_s: float) -> None:
        route = self._routes.label(scope["path"])
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        status = exchange.final_status()
        if route not in QUIET_ROUTES:
            status_class = StatusClass.LEFT if status == _LEFT else f"{status // 100}xx"
            self._meters.observe(
                HTTP_DURATION, duration_s, exchange.context, route=route, method=method, status_class=status_class
            )
        elif status in _QUIET_STATUSES:
            return
        if exchange.told.get("cache") == "hit" and status < 400 and not self._is_told_hit():
            return
        fields = {"route": route, "method": method, "status": status, "duration_s": round(duration_s, 6)}
        _requests.log(
            logging.WARNING if status >= 500 else logging.INFO,
            "request",
            extra={"fields": fields | exchange.told, "span_context": exchange.context},
        )

    def _is_told_hit(self) -> bool:
        self._hits += 1
        return self._hits % _HITS_PER_LINE == 1


class _Exchange:
    """One request and its reply, as far as it has come."""

    __slots__ = ("_receive", "_send", "_span", "_veiled", "complete", "context", "left", "status", "told")

    def __init__(self, receive: Receive, send: Send, span: Span, *, veiled: bool) -> None:
        self._receive = receive
        self._send = send
        self._span = span
        self._veiled = veiled
        self.context: SpanContext = span.get_span_context()
        self.status = 0
        self.complete = False
        self.left = False
        self.told: dict[str, str] = {}

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.complete:
            self.cancelled()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = self._begun(message)
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            # Known before it is sent: the server tells a reader "disconnected" as soon as the last byte is out.
            self.complete = True
        try:
            await self._send(message)
        except OSError:
            self.cancelled()
            raise

    def cancelled(self) -> None:
        """Nobody will read the rest."""
        self.left = True
        if self._span.is_recording():
            self._span.set_attribute(Attribute.ERROR_TYPE, ErrorKind.CANCELLED.value)

    def failed(self, error: Exception) -> ServiceError:
        """Log what nobody caught, once; what goes on outwards, to spans and server, holds no content."""
        self.status = 500
        _log.error("unexpected %s", type(error).__name__, exc_info=error)
        told = ServiceError(ErrorKind.SERVER_ERROR, "something unexpected happened; the log has the details")
        mark_told(told)
        return told

    def final_status(self) -> int:
        """499 when the client left before the end; 500 when the application never answered."""
        return _LEFT if self.left else self.status or 500

    def _begun(self, message: Message) -> Message:
        """The reply's beginning with the trace id, and what the log line says of it."""
        self.status = message["status"]
        headers = message.get("headers", ())
        self.told = dict(_told(headers))
        if self.context.is_valid and not any(name == b"x-trace-id" for name, _ in headers):
            headers = [*headers, (b"x-trace-id", format_trace_id(self.context.trace_id).encode())]
        return cover(message, headers) if self._veiled else {**message, "headers": headers}


def _told(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        known = _TOLD_HEADERS.get(name)
        if known is not None:
            yield known, value.decode("latin-1")
