"""Spans: the only place that starts them. A span never makes its work fail, and ends whatever becomes of the work.

    with stages.start(NAME) as span:                plain awaits: current inside, ended at the end
        result = await inner()
        span.note(facts, result)

    span = stages.start(NAME)                       streams: current only while the next item is made, so that it
    async with aclosing(span.follow(stream)) ...    never leaks into the reader; end it before the last item is given

Durations come from the injected clock's monotonic reading, so a changed wall clock bends no span.
"""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextvars import Token
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from service.clock import Clock, SystemClock
from service.errors import ErrorKind, ServiceError
from service.telemetry.catalogue import Attribute
from service.telemetry.meters import Meters
from service.telemetry.vocabulary import SUCCESS, Problem

Attributes = Mapping[str, AttributeValue]
T = TypeVar("T")
P = ParamSpec("P")

# Details of these quote what a client sent (a model name, a file name): they are no content for a span.
_QUOTING = frozenset({
    ErrorKind.BAD_REQUEST, ErrorKind.INVALID_QUESTION, ErrorKind.UNSUPPORTED_DOCUMENT, ErrorKind.NOT_FOUND,
    ErrorKind.MODEL_NOT_FOUND, ErrorKind.TOO_LARGE,
})  # fmt: skip


def error_type(error: BaseException) -> str:
    """The one name of a failure, on span and metric alike."""
    if isinstance(error, ServiceError):
        return error.kind.value
    if isinstance(error, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt):
        return ErrorKind.CANCELLED.value
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT.value
    return ErrorKind.CONNECTION_ERROR.value if isinstance(error, ConnectionError) else ErrorKind.OTHER.value


class Stages:
    """Starts spans, and runs the bookkeeping around them so that its faults are counted and never felt."""

    def __init__(self, tracer: Tracer, meters: Meters, clock: Clock | None = None) -> None:
        self._tracer = tracer
        self._meters = meters
        self._clock = clock or SystemClock()

    def start(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        *,
        ago_s: float = 0.0,
        deadline_s: float | None = None,
    ) -> "Live":
        """A span under the current one, begun `ago_s` seconds ago.

        Work that is cancelled after `deadline_s` seconds counts as timed out, not as left.
        """
        began_s = self._clock.monotonic() - ago_s
        began_ns = int((self._clock.time() - ago_s) * 1e9)
        span = self._open(name, kind, attributes, began_ns, None)
        return Live(self, span, self._clock, began_s, began_ns, deadline_s)

    def past(
        self,
        name: str,
        parent: "Live",
        begin_s: float,
        end_s: float,
        attributes: Attributes | None = None,
        origin: tuple[str, str] = ("", ""),
    ) -> None:
        """A span of what is over: seconds after `parent` began; `origin` is linked to (hex trace and span id)."""
        if not parent.recording:
            return
        span = self._open(name, SpanKind.INTERNAL, attributes, parent.at_ns(begin_s), parent.scope)
        if origin[0]:
            self.quietly(name, _link, span, *origin)
        self.quietly(name, span.end, parent.at_ns(max(begin_s, end_s)))

    def quietly(self, where: str, work: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Do bookkeeping; its faults are counted."""
        try:
            work(*args, **kwargs)
        except Exception as error:
            self.blame(where, error)

    def blame(self, where: str, error: Exception) -> None:
        """Count a fault of bookkeeping."""
        self._meters.problem(Problem.FAILED, where, error)

    def _open(
        self, name: str, kind: SpanKind, attributes: Attributes | None, at_ns: int, scope: Context | None
    ) -> Span:
        try:
            return self._tracer.start_span(name, scope, kind, attributes, start_time=at_ns)
        except Exception as error:
            self.blame("span", error)
            return INVALID_SPAN


class Live:
    """A span that runs. Belongs to one task at a time; every method is safe to call after the end."""

    __slots__ = (
        "_began_ns",
        "_began_s",
        "_clock",
        "_deadline_s",
        "_ended",
        "_span",
        "_stages",
        "_token",
        "error_type",
        "scope",
    )

    def __init__(
        self, stages: Stages, span: Span, clock: Clock, began_s: float, began_ns: int, deadline_s: float | None
    ) -> None:
        self._stages = stages
        self._span = span
        self._clock = clock
        self._deadline_s = deadline_s
        self._began_s = began_s
        self._began_ns = began_ns
        self._token: Token[Context] | None = None
        self._ended = False
        self.error_type = SUCCESS
        self.scope = set_span_in_context(span)

    @property
    def context(self) -> SpanContext:
        return self._span.get_span_context()

    @property
    def recording(self) -> bool:
        return self._span.is_recording()

    @property
    def elapsed_s(self) -> float:
        return self._clock.monotonic() - self._began_s

    def at_ns(self, seconds: float) -> int:
        """Wall clock of a moment so many seconds after the beginning."""
        return self._began_ns + int(seconds * 1e9)

    def __enter__(self) -> Self:
        """Make it the current span, until the block is left."""
        self._token = attach(self.scope)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        if error is not None:
            self.fail(error)
        self.end()

    async def follow(self, stream: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """Everything from `stream`, closing it at the end; the span is current only while an item is made.

        Notes how the stream failed. Being closed early counts as cancelled, unless the span has ended by then.
        """
        try:
            while True:
                token = attach(self.scope)
                try:
                    item = await anext(stream)
                except StopAsyncIteration:
                    return
                finally:
                    detach(token)
                yield item
        except BaseException as error:
            self.fail(error)
            raise
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                token = attach(self.scope)
                try:
                    await close()
                finally:
                    detach(token)

    def note(self, facts: Callable[P, Attributes], *args: P.args, **kwargs: P.kwargs) -> None:
        """Set attributes. `facts` makes them, and is called only when somebody will see them."""
        if not self._ended and self._span.is_recording():
            try:
                self._span.set_attributes(facts(*args, **kwargs))
            except Exception as error:
                self._stages.blame("attributes", error)

    def link(self, trace_id: str, span_id: str) -> None:
        """Point to another trace, by hex ids; empty ones point nowhere."""
        if not self._ended:
            self._stages.quietly("link", _link, self._span, trace_id, span_id)

    def fail(self, error: BaseException) -> None:
        """The work failed and nothing replaced it. The first failure counts; who leaves gives no error status."""
        if self._ended or self.error_type:
            return
        self.error_type = self._type_of(error)
        self._stages.quietly("failure", _record, self._span, error, self.error_type)

    def end(self) -> None:
        """Only the first call counts."""
        if not self._ended:
            self._ended = True
            self._stages.quietly("end", self._span.end, self.at_ns(self.elapsed_s))

    def _type_of(self, error: BaseException) -> str:
        name = error_type(error)
        # The caller's timer was started a little before this span.
        late = self._deadline_s is not None and self.elapsed_s >= 0.95 * self._deadline_s
        return ErrorKind.TIMEOUT.value if late and name == ErrorKind.CANCELLED.value else name

    def _leave(self) -> None:
        if self._token is not None:
            detach(self._token)
            self._token = None


def _record(span: Span, error: BaseException, name: str) -> None:
    span.set_attribute(Attribute.ERROR_TYPE, name)
    if name == ErrorKind.CANCELLED.value:
        return
    detail = error.detail if isinstance(error, ServiceError) and error.kind not in _QUOTING else None
    span.set_status(Status(StatusCode.ERROR, detail))
    if isinstance(error, asyncio.CancelledError):
        return
    event: dict[str, str] = {Attribute.EXCEPTION_TYPE: type(error).__qualname__}
    if detail is not None:
        event[Attribute.EXCEPTION_MESSAGE] = detail
    if not isinstance(error, ServiceError):
        # Where it happened, without the messages: an unforeseen error may quote the question.
        event[Attribute.EXCEPTION_STACKTRACE] = "".join(traceback.format_tb(error.__traceback__))
    span.add_event(Attribute.EXCEPTION, event)


def _link(span: Span, trace_id: str, span_id: str) -> None:
    if trace_id and span_id:
        sampled = TraceFlags(TraceFlags.SAMPLED)
        span.add_link(SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled))
