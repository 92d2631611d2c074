"""Every HTTP request measured once: one server span, one histogram value, one log line, and its trace id in the reply.

The server span is OpenTelemetry's own FastAPI instrumentation. In front of it stands a veil, so that no query string
and no header but the trace context ever reaches a span. Inside it stands `RequestTelemetry`, which sees the end of the
reply (the last chunk of a stream), who left early, and failures that nobody else caught.
"""

import logging
from collections.abc import Iterable, Iterator
from re import Pattern

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
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
from service.telemetry.vocabulary import StatusClass

UNMATCHED = "unmatched"
# Asked every few seconds by machines: no span, no histogram; a log line only when they fail.
QUIET_ROUTES = frozenset(("/healthz", "/readyz", "/metrics"))
_EXCLUDED_URLS = "/healthz$,/readyz$,/metrics/?$"
_API_PREFIX = "/api"
_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
_OTHER_METHOD = ErrorKind.OTHER.value
_LEFT = 499
# One line of this many hits is written; everything else is written always.
_HITS_PER_LINE = 100
_BEHIND_THE_VEIL = "service.veiled"
_TOLD_HEADERS = {b"x-rag-cache": "cache", b"x-rag-model": "model", b"x-rag-outcome": "outcome"}

_log = logging.getLogger(__name__)
_requests = logging.getLogger("service.requests")


def instrument(app: FastAPI, tracer_provider: TracerProvider, meters: Meters, clock: Clock) -> None:
    """Measure every request of `app`. Call it last, when routes and other middleware are there, and once."""
    app.add_middleware(RequestTelemetry, routes=Routes(app), meters=meters, clock=clock)
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=tracer_provider,
        # Its metrics would say the same as ours, without our routes and buckets.
        meter_provider=NoOpMeterProvider(),
        excluded_urls=_EXCLUDED_URLS,
        exclude_spans=["receive", "send"],
    )
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Veil(build())  # type: ignore[method-assign]


class Veil:
    """Hides query string and headers from what stands behind it, but for the trace context; `lifted` undoes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._shown = frozenset(name.lower().encode() for name in get_global_textmap().fields)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            shown = [header for header in scope["headers"] if header[0] in self._shown]
            hidden = (scope["query_string"], scope["headers"])
            scope = {**scope, "query_string": b"", "headers": shown, _BEHIND_THE_VEIL: hidden}
        await self._app(scope, receive, send)


def lift_veil(scope: Scope) -> None:
    """Give the request its query string and headers back. The span has its attributes by now."""
    hidden = scope.pop(_BEHIND_THE_VEIL, None)
    if hidden is not None:
        scope["query_string"], scope["headers"] = hidden


class Routes:
    """Route templates by path: a closed set, the same with and without `/api` before it."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._fixed: dict[str, str] = {}
        self._patterns: list[tuple[Pattern[str], str]] = []
        self._read = False

    def name(self, path: str) -> str:
        """The template that `path` belongs to, whatever became of the request; else `unmatched`."""
        if not self._read:
            self._learn()
        found = self._fixed.get(path)
        if found is not None:
            return found
        return next((template for pattern, template in self._patterns if pattern.match(path)), UNMATCHED)

    def _learn(self) -> None:
        """Read the routes at the first request, when all are there."""
        for route in iter_route_contexts(self._app.routes):
            template = str(getattr(route, "path", "") or "")
            label = _without_prefix(template)
            pattern = getattr(route, "path_regex", None)
            if "{" not in template and (pattern is None or pattern.match(template)):
                self._fixed[template] = label
            elif isinstance(pattern, Pattern):
                self._patterns.append((pattern, label))
        self._read = True


def _without_prefix(template: str) -> str:
    return template.removeprefix(_API_PREFIX) if template.startswith(f"{_API_PREFIX}/") else template


class RequestTelemetry:
    """ASGI middleware inside the server span. It adds one call to each message, buffers nothing and never fails."""

    def __init__(self, app: ASGIApp, routes: Routes, meters: Meters, clock: Clock) -> None:
        self._app = app
        self._routes = routes
        self._meters = meters
        self._clock = clock
        self._hits = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        lift_veil(scope)
        started_s = self._clock.monotonic()
        exchange = _Exchange(receive, send, get_current_span())
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
        route = self._routes.name(scope["path"])
        method = scope["method"] if scope["method"] in _METHODS else _OTHER_METHOD
        status = exchange.final_status()
        if route not in QUIET_ROUTES:
            status_class = StatusClass.LEFT if status == _LEFT else f"{status // 100}xx"
            self._meters.observe(
                HTTP_DURATION, duration_s, exchange.context, route=route, method=method, status_class=status_class
            )
        elif status < 500:
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

    __slots__ = ("_receive", "_send", "_span", "complete", "context", "left", "status", "told")

    def __init__(self, receive: Receive, send: Send, span: Span) -> None:
        self._receive = receive
        self._send = send
        self._span = span
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
            self.status = message["status"]
            self._mark(message)
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

    def _mark(self, message: Message) -> None:
        headers: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
        self.told = dict(_told(headers))
        if self.context.is_valid and not any(name == b"x-trace-id" for name, _ in headers):
            trace_id = format_trace_id(self.context.trace_id).encode()
            message["headers"] = [*headers, (b"x-trace-id", trace_id)]


def _told(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        known = _TOLD_HEADERS.get(name)
        if known is not None:
            yield known, value.decode("latin-1")
