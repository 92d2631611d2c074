"""Where a trace is looked for, and what is said when it is nowhere."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, format_trace_id, set_span_in_context

from service.errors import ErrorKind, NotFound, ServiceError
from service.monitoring.port import TraceSource
from service.telemetry.ring import TraceRing
from service.telemetry.tempo import Tempo
from service.telemetry.trace_lookup import TraceLookup
from tests.fakes.tempo import FakeTempo, sample_trace

ID = "0af7651916cd43dd8448eb211c80319c"


def ring_with_a_trace() -> tuple[TraceRing, str]:
    ring = TraceRing()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(ring)
    tracer = provider.get_tracer("test")
    root = tracer.start_span("POST /ask", kind=SpanKind.SERVER, start_time=1_000_000_000)
    tracer.start_span("route", set_span_in_context(root), start_time=1_500_000_000, attributes={"k": (1, 2)}).end(
        1_750_000_000
    )
    root.end(3_500_000_000)
    return ring, format_trace_id(root.get_span_context().trace_id)


async def test_memory_comes_first() -> None:
    ring, trace_id = ring_with_a_trace()
    with FakeTempo() as server:
        tempo = Tempo(server.url, 2.0)
        found = await TraceLookup(ring, tempo).find(trace_id)
        await tempo.close()
    assert (found.trace_id, found.source, found.duration_s, found.dropped) == (trace_id, TraceSource.MEMORY, 2.5, 0)
    root, child = found.spans
    assert (root.kind, root.parent_id, root.start_s, root.duration_s) == ("server", "", 0.0, 2.5)
    assert (child.parent_id, child.start_s, child.duration_s) == (root.span_id, 0.5, 0.25)
    assert child.attributes == {"k": (1, 2)}
    assert server.asked == []


async def test_then_tempo() -> None:
    with FakeTempo() as server:
        server.traces[ID] = sample_trace(ID)
        tempo = Tempo(server.url, 2.0)
        found = await TraceLookup(TraceRing(), tempo).find(ID)
        with pytest.raises(NotFound, match=r"latest 200, and Tempo at .* has none of this id.*14 days"):
            await TraceLookup(TraceRing(), tempo).find("f" * 32)
        await tempo.close()
    assert found.source is TraceSource.TEMPO


async def test_without_tempo_it_says_how_to_have_one() -> None:
    with pytest.raises(NotFound, match=r"keeps the latest 200; .*RAG_TRACES__TEMPO_URL"):
        await TraceLookup(TraceRing()).find(ID)


async def test_a_tempo_that_is_away_is_no_unknown_trace() -> None:
    server = FakeTempo()
    server.stop()
    tempo = Tempo(server.url, 2.0)
    with pytest.raises(ServiceError, match=r"no such trace in memory.*cannot be reached") as raised:
        await TraceLookup(TraceRing(), tempo).find(ID)
    await tempo.close()
    assert raised.value.kind is ErrorKind.CONNECTION_ERROR
