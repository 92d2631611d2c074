"""Recent traces in memory: what is kept, in which order it goes, and that memory stays bounded."""

import threading

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_trace_id,
    set_span_in_context,
)

from service.telemetry.catalogue import Attribute
from service.telemetry.ring import TraceRing


class Traced:
    """Writes traces into a ring."""

    def __init__(self, ring: TraceRing) -> None:
        self.ring = ring
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(ring)
        self.tracer = provider.get_tracer("test")

    def trace(self, name: str, *, children: int = 0, took_s: float = 0.1, failed: bool = False, text: str = "") -> str:
        root = self.tracer.start_span(name, kind=SpanKind.SERVER, start_time=0)
        for number in range(children):
            self.tracer.start_span(f"{name} {number}", set_span_in_context(root), start_time=number + 1).end(number + 2)
        if failed:
            root.set_status(Status(StatusCode.ERROR))
        root.set_attribute(Attribute.INPUT_MESSAGES, text)
        root.end(int(took_s * 1e9))
        return format_trace_id(root.get_span_context().trace_id)


def test_a_finished_trace_is_found_by_its_id_with_spans_by_start() -> None:
    traced = Traced(TraceRing())
    trace_id = traced.trace("ask", children=2)

    found = traced.ring.trace(trace_id)

    assert found is not None
    assert [span.name for span in found.spans] == ["ask", "ask 0", "ask 1"]
    root, child = found.spans[0], found.spans[1]
    assert (root.parent_id, root.kind, root.duration_s) == ("", "server", 0.1)
    assert child.parent_id == root.span_id
    assert child.trace_id == trace_id


def test_an_unfinished_trace_can_be_looked_at_but_is_not_recent() -> None:
    traced = Traced(TraceRing())
    root = traced.tracer.start_span("open")
    traced.tracer.start_span("child", set_span_in_context(root)).end()

    found = traced.ring.trace(format_trace_id(root.get_span_context().trace_id))

    assert found is not None
    assert [span.name for span in found.spans] == ["child"]
    assert traced.ring.recent() == ()


def test_a_remote_parent_does_not_keep_a_trace_open() -> None:
    traced = Traced(TraceRing())
    remote = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    traced.tracer.start_span("local root", set_span_in_context(NonRecordingSpan(remote))).end()

    assert [trace.trace_id for trace in traced.ring.recent()] == [format_trace_id(0xABC)]


def test_the_oldest_ordinary_trace_goes_first_and_notable_ones_outlive_a_stream_of_quick_ones() -> None:
    traced = Traced(TraceRing(traces=10, slow_s=1.0))
    slow = traced.trace("slow", took_s=2.0)
    failed = traced.trace("failed", failed=True)
    quick = [traced.trace("quick", children=1) for _ in range(20)]

    assert traced.ring.trace(slow) is not None
    assert traced.ring.trace(failed) is not None
    assert [traced.ring.trace(one) is not None for one in quick] == [False] * 15 + [True] * 5


def test_a_page_that_reads_figures_pushes_out_no_question() -> None:
    traced = Traced(TraceRing(traces=10))
    asked = traced.trace("ask", children=1)
    read = [traced.trace("read") for _ in range(200)]

    assert traced.ring.trace(asked) is not None
    assert [one for one in read if traced.ring.trace(one)] == read[-1:]


def test_recent_gives_the_latest_to_finish_first() -> None:
    traced = Traced(TraceRing())
    for seconds in (0.3, 0.1, 5.0):
        traced.trace(f"{seconds}", took_s=seconds)

    assert [trace.spans[0].name for trace in traced.ring.recent(2)] == ["5.0", "0.3"]


def test_unfinished_traces_are_bounded_too() -> None:
    traced = Traced(TraceRing(traces=10))
    roots = [traced.tracer.start_span("never ends") for _ in range(30)]
    for root in roots:
        traced.tracer.start_span("child", set_span_in_context(root)).end()

    kept = [traced.ring.trace(format_trace_id(root.get_span_context().trace_id)) for root in roots]
    assert [one is not None for one in kept] == [False] * 25 + [True] * 5


def test_spans_of_one_trace_are_bounded_and_the_rest_is_counted() -> None:
    traced = Traced(TraceRing(spans_per_trace=4))
    found = traced.ring.trace(traced.trace("many", children=10))

    assert found is not None
    assert (len(found.spans), found.dropped) == (4, 7)


def test_bytes_are_bounded_also_with_whole_texts_in_the_attributes() -> None:
    traced = Traced(TraceRing(max_bytes=100_000))
    for _ in range(50):
        traced.trace("big", text="x" * 10_000)
        assert traced.ring.size_bytes <= 100_000

    assert 1 <= len(traced.ring.recent(100)) <= 9


def test_one_trace_above_the_whole_bound_leaves_nothing_behind() -> None:
    traced = Traced(TraceRing(max_bytes=5_000))
    trace_id = traced.trace("huge", text="x" * 10_000)

    assert traced.ring.trace(trace_id) is None
    assert traced.ring.size_bytes == 0


def test_what_is_no_trace_id_finds_nothing() -> None:
    ring = TraceRing()
    assert ring.trace("no hex at all") is None
    assert ring.trace("") is None
    assert ring.trace("0" * 32) is None


def test_reading_while_many_threads_write_loses_nothing() -> None:
    traced = Traced(TraceRing(traces=1000))

    def write() -> None:
        for _ in range(50):
            traced.trace("one", children=1)
            traced.ring.recent()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(traced.ring.recent(1000)) == 200
    assert all(len(trace.spans) == 2 for trace in traced.ring.recent(1000))
