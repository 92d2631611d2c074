"""Recent traces, kept in memory, so that a request can be looked at without a Collector or Tempo.

A trace is finished when its local root has ended. Three shelves hold finished traces: ordinary ones, notable ones
(slow or failed), so that a stream of quick cache hits does not push out the trace somebody will ask for, and a small
one for those of a single span, so that a page that reads figures every few seconds pushes out neither. Bounded in
traces, in spans per trace and in bytes (estimated); the oldest goes first, all with the process.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from service.telemetry.catalogue import Attribute

# What a span costs beside its attributes: the object, its context, name and times.
_SPAN_BYTES = 1500
_ATTRIBUTE_BYTES = 120
# There only when content is captured. All others are short: names, numbers, reasons.
_TEXTS = (Attribute.INPUT_MESSAGES, Attribute.OUTPUT_MESSAGES)


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """One finished span. Ids in hex, `parent_id` empty for a root, times in nanoseconds since the epoch.

    `links` are (trace id, span id), `events` (name, attributes).
    """

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    status: str
    attributes: Mapping[str, Any]
    links: tuple[tuple[str, str], ...] = ()
    events: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    status_message: str = ""

    @property
    def duration_s(self) -> float:
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class KeptTrace:
    """One trace, spans by start. `dropped` counts spans that found no place."""

    trace_id: str
    spans: tuple[KeptSpan, ...]
    dropped: int = 0


@dataclass(slots=True)
class _Trace:
    spans: list[ReadableSpan] = field(default_factory=list)
    size_bytes: int = 0
    dropped: int = 0
    notable: bool = False


_Shelf = OrderedDict[int, _Trace]


class TraceRing(SpanProcessor):
    """Keeps the last `traces` finished traces, half of them reserved for slow (root >= `slow_s`) and failed ones;
    beside them a tenth as many of a single span.

    A span costs about two microseconds here. Thread-safe. Unfinished traces count against the same bounds.
    """

    def __init__(
        self, traces: int = 200, spans_per_trace: int = 128, max_bytes: int = 16 << 20, slow_s: float = 1.0
    ) -> None:
        self.traces = traces
        per_shelf = max(1, traces // 2)
        self._spans_per_trace = spans_per_trace
        self._max_bytes = max_bytes
        self._slow_ns = int(slow_s * 1e9)
        self._lock = Lock()
        self._open: _Shelf = OrderedDict()
        self._ordinary: _Shelf = OrderedDict()
        self._notable: _Shelf = OrderedDict()
        self._single: _Shelf = OrderedDict()
        self._finished = (self._notable, self._ordinary, self._single)
        # In the order in which room is made for others, and how many each may hold.
        self._bounds = (
            (self._single, max(1, traces // 10)),
            (self._ordinary, per_shelf),
            (self._notable, per_shelf),
            (self._open, per_shelf),
        )
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Estimated memory in use."""
        return self._size_bytes

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is kept of a span that has not ended."""

    def on_end(self, span: ReadableSpan) -> None:
        context = span.context
        if context is None:
            return
        with self._lock:
            trace = self._place(context.trace_id)
            self._put(trace, span)
            if span.parent is None or span.parent.is_remote:
                self._finish(context.trace_id, trace, span)
            self._shrink()

    def trace(self, trace_id: str) -> KeptTrace | None:
        """The trace with this hex id, finished or not; None when it is not (or no longer) here."""
        try:
            number = int(trace_id, 16)
        except ValueError:
            return None
        with self._lock:
            for shelf in (*self._finished, self._open):
                if number in shelf:
                    trace = shelf[number]
                    spans, dropped = list(trace.spans), trace.dropped
                    break
            else:
                return None
        return _kept(format_trace_id(number), spans, dropped)

    def recent(self, count: int = 20) -> tuple[KeptTrace, ...]:
        """At most `count` finished traces, the latest to finish first."""
        with self._lock:
            found = [
                (number, list(trace.spans), trace.dropped)
                for shelf in self._finished
                for number, trace in shelf.items()
            ]
        found.sort(key=lambda item: max(span.end_time or 0 for span in item[1]), reverse=True)
        return tuple(_kept(format_trace_id(number), spans, dropped) for number, spans, dropped in found[:count])

    def shutdown(self) -> None:
        """What is here stays readable."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        return True

    def _place(self, number: int) -> _Trace:
        for shelf in (self._open, *self._finished):
            found = shelf.get(number)
            if found is not None:
                return found
        made = self._open[number] = _Trace()
        return made

    def _put(self, trace: _Trace, span: ReadableSpan) -> None:
        if len(trace.spans) >= self._spans_per_trace:
            trace.dropped += 1
            return
        size = _size_of(span)
        trace.spans.append(span)
        trace.size_bytes += size
        self._size_bytes += size

    def _finish(self, number: int, trace: _Trace, root: ReadableSpan) -> None:
        took_ns = (root.end_time or 0) - (root.start_time or 0)
        trace.notable |= took_ns >= self._slow_ns or root.status.status_code is StatusCode.ERROR
        for shelf in (self._open, *self._finished):
            shelf.pop(number, None)
        quick = self._ordinary if len(trace.spans) > 1 else self._single
        (self._notable if trace.notable else quick)[number] = trace

    def _shrink(self) -> None:
        for shelf, most in self._bounds:
            while len(shelf) > most:
                self._drop_oldest(shelf)
        while self._size_bytes > self._max_bytes:
            self._drop_oldest(next(shelf for shelf, _ in self._bounds if shelf))

    def _drop_oldest(self, shelf: _Shelf) -> None:
        _, trace = shelf.popitem(last=False)
        self._size_bytes -= trace.size_bytes


def _size_of(span: ReadableSpan) -> int:
    """An estimate, made for every span: attributes count alike, but for those that hold whole texts. Looking at each
    one took longer than all else that the ring does."""
    attributes = span.attributes
    if not attributes:
        return _SPAN_BYTES
    return _SPAN_BYTES + _ATTRIBUTE_BYTES * len(attributes) + sum(len(str(attributes.get(name, ""))) for name in _TEXTS)


def _kept(trace_id: str, spans: Sequence[ReadableSpan], dropped: int) -> KeptTrace:
    by_start = sorted(spans, key=lambda span: span.start_time or 0)
    return KeptTrace(trace_id, tuple(_kept_span(trace_id, span) for span in by_start), dropped)


def _kept_span(trace_id: str, span: ReadableSpan) -> KeptSpan:
    return KeptSpan(
        name=span.name,
        kind=span.kind.name.lower(),
        trace_id=trace_id,
        span_id=format_span_id(span.context.span_id) if span.context else "",
        parent_id=format_span_id(span.parent.span_id) if span.parent else "",
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        status=span.status.status_code.name.lower(),
        attributes=dict(span.attributes or {}),
        links=tuple(
            (format_trace_id(link.context.trace_id), format_span_id(link.context.span_id)) for link in span.links
        ),
        events=tuple((event.name, dict(event.attributes or {})) for event in span.events),
        status_message=span.status.description or "",
    )
