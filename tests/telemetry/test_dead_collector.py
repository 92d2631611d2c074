"""A Collector that is away, silent, slow or broken: requests do not notice, losses are counted exactly, the end comes.

Every test asks the sink whether its fault really happened.
"""

import threading
import time
from collections.abc import Iterator

import pytest

from ops.stack.process import wait_until
from service.telemetry.setup import Telemetry
from tests.fakes.otlp_sink import Fault, OtlpSink
from tests.telemetry.sample_app import SampleApp, make_telemetry

BURST = 500
QUEUE = 128
BATCH = 32
FAULTS = [fault for fault in Fault if fault is not Fault.NONE]
# Promised: under 5 s. Generous, because this machine may be busy.
PROMISED_END_S = 10.0
SETTLED_S = 60.0


@pytest.fixture(autouse=True)
def _small_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst must overflow the queue, and be exported in several batches."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(QUEUE))
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", str(BATCH))
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")


@pytest.fixture(params=FAULTS)
def sink(request: pytest.FixtureRequest) -> Iterator[OtlpSink]:
    before = senders()
    with OtlpSink(request.param) as sink:
        yield sink
        sink.release()
        # Being closed, telemetry leaves no thread behind that goes on trying.
        wait_until(lambda: senders() <= before, SETTLED_S, "the sending thread ends")


def senders() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith(("OtelBatch", "shutdown-"))}


def burst(telemetry: Telemetry, count: int = BURST) -> None:
    tracer = telemetry.tracer_provider.get_tracer("burst")
    for number in range(count):
        tracer.start_span(f"span {number}").end()


def page_value(telemetry: Telemetry, name: str, **labels: str) -> float:
    """Sum over the page's samples that have these labels, as a query would."""
    return sum(
        sample.value
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def queue_full(telemetry: Telemetry) -> float:
    return page_value(telemetry, "otel_sdk_processor_span_processed_total", error_type="queue_full")


def failed(telemetry: Telemetry) -> float:
    return page_value(telemetry, "rag_trace_spans_total", result="failed")


def delivered(telemetry: Telemetry) -> float:
    return page_value(telemetry, "rag_trace_spans_total", result="delivered")


def lost(telemetry: Telemetry) -> float:
    """What the page says is lost, once nothing is queued or under way any more."""
    return page_value(telemetry, "rag_trace_spans_ended_total") - delivered(telemetry)


def test_every_lost_span_is_counted_on_the_page(sink: OtlpSink) -> None:
    sink.slow_s = 0.05
    telemetry = make_telemetry(traces_url=sink.url, export_timeout_s=5.0 if sink.fault is Fault.SLOW else 0.2)
    burst(telemetry)
    overflowed = queue_full(telemetry)
    if sink.fault is Fault.BLACK_HOLE:
        wait_until(lambda: sink.holding > 0, SETTLED_S, "a request that is not answered")
    # With time enough, ending means that it is decided what became of every span.
    telemetry.shutdown(timeout_s=SETTLED_S)
    received = len(sink.spans)

    assert lost(telemetry) == BURST - received > 0
    assert delivered(telemetry) == received
    assert (received > 0) is (sink.fault is Fault.SLOW)
    assert sink.fault is Fault.REFUSE or set(sink.calls) == {sink.fault.value}
    # The SDK's own count says the same, but for one per batch.
    assert overflowed > 0
    assert abs(overflowed + failed(telemetry) - lost(telemetry)) <= BURST / BATCH


@pytest.mark.parametrize("sink", [Fault.BLACK_HOLE, Fault.REFUSE], indirect=True)
async def test_requests_are_answered_while_the_exporter_is_stuck(sink: OtlpSink) -> None:
    telemetry = make_telemetry(traces_url=sink.url, export_timeout_s=30.0)
    sample = SampleApp(telemetry)
    burst(telemetry)
    if sink.fault is Fault.BLACK_HOLE:
        wait_until(lambda: sink.holding == 1, SETTLED_S, "a request that is not answered")
    async with sample.client() as client:
        replies = [await client.post("/ask") for _ in range(300)]

    # The very first export is still under way, so nothing in these 300 requests waited for it.
    assert (delivered(telemetry), failed(telemetry)) == (0, 0)
    assert queue_full(telemetry) > 0
    if sink.fault is Fault.BLACK_HOLE:
        assert (sink.holding, len(sink.calls)) == (1, 1)
    assert {reply.status_code for reply in replies} == {200}
    assert {reply.headers["x-trace-id"] for reply in replies} >= {one.trace_id for one in telemetry.ring.recent(50)}
    # What is queued is bounded, whatever comes.
    waiting = page_value(telemetry, "otel_sdk_processor_span_queue_size")
    assert waiting <= QUEUE
    telemetry.shutdown(timeout_s=0.1)


def test_the_end_is_bounded_and_what_is_queued_by_then_is_given_up(sink: OtlpSink) -> None:
    telemetry = make_telemetry(traces_url=sink.url, export_timeout_s=2.0)
    burst(telemetry, 4 * BURST)
    began = time.monotonic()
    telemetry.shutdown(timeout_s=1.0)
    telemetry.shutdown(timeout_s=60.0)

    # The promise itself, with room for a busy machine: the SDK alone takes 30 s here.
    assert time.monotonic() - began < PROMISED_END_S


@pytest.mark.slow
@pytest.mark.parametrize("sink", [Fault.BLACK_HOLE, Fault.REFUSE], indirect=True)
def test_the_promised_end_with_a_full_queue_and_default_times(sink: OtlpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE", "SCHEDULE_DELAY"):
        monkeypatch.delenv(f"OTEL_BSP_{name}")
    telemetry = make_telemetry(traces_url=sink.url)
    burst(telemetry, 5_000)
    began = time.monotonic()
    telemetry.shutdown()

    assert time.monotonic() - began < PROMISED_END_S


def test_a_healthy_collector_gets_every_span_of_what_has_finished() -> None:
    with OtlpSink() as sink:
        telemetry = make_telemetry(traces_url=sink.url)
        burst(telemetry, 100)
        telemetry.shutdown()

        assert sorted(sink.names) == sorted(f"span {number}" for number in range(100))
        assert len({span.span_id for span in sink.spans}) == 100
        assert delivered(telemetry) == 100
        assert sink.resources[0]["service.name"] == "emini-rag-test"
        assert sink.resources[0]["deployment.environment.name"] == "testing"


def test_spans_flow_again_when_the_collector_is_back() -> None:
    with OtlpSink(Fault.UNAVAILABLE) as sink:
        telemetry = make_telemetry(traces_url=sink.url, export_timeout_s=0.2)
        burst(telemetry, 20)
        wait_until(lambda: failed(telemetry) == 20, SETTLED_S, "the first spans are given up")
        sink.fault = Fault.NONE
        burst(telemetry, 20)
        wait_until(lambda: delivered(telemetry) == 20, SETTLED_S, "the next spans are delivered")

        assert (lost(telemetry), len(sink.spans)) == (20, 20)
        telemetry.shutdown()
