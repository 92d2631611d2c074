"""What every place that traces are found in must do, the fake included."""

from collections.abc import AsyncIterator

import pytest

from service.errors import NotFound
from service.monitoring.port import Trace, Traces, TraceSource
from service.telemetry.ring import TraceRing
from service.telemetry.tempo import Tempo
from service.telemetry.trace_lookup import TraceLookup
from tests.fakes.tempo import FakeTempo, sample_trace
from tests.fakes.traces import FakeTraces
from tests.unit.telemetry.test_trace_lookup import ring_with_a_trace

ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(params=["memory", "tempo", "fake"])
async def known(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Traces, str]]:
    """The place, and the id of a trace that it has."""
    if request.param == "memory":
        ring, trace_id = ring_with_a_trace()
        yield TraceLookup(ring), trace_id
    elif request.param == "tempo":
        with FakeTempo() as server:
            server.traces[ID] = sample_trace(ID)
            tempo = Tempo(server.url, 2.0)
            yield TraceLookup(TraceRing(), tempo), ID
            await tempo.close()
    else:
        fake = FakeTraces()
        fake.traces[ID] = Trace(ID, TraceSource.MEMORY, 0.0, ())
        yield fake, ID


async def test_a_known_trace_is_found_by_its_id(known: tuple[Traces, str]) -> None:
    traces, trace_id = known
    found = await traces.find(trace_id)
    assert found.trace_id == trace_id
    starts = [span.start_s for span in found.spans]
    assert starts == sorted(starts)
    assert all(span.start_s >= 0 and span.start_s + span.duration_s <= found.duration_s for span in found.spans)


async def test_an_unknown_one_is_told_with_what_is_kept(known: tuple[Traces, str]) -> None:
    traces, _ = known
    with pytest.raises(NotFound, match="200"):
        await traces.find("f" * 32)
