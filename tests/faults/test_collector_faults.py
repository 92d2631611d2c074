"""A Collector that is away, silent, slow or broken, beside a running service: no question notices, every loss is told.

What the exporter does in each case, and that its counts are exact, is tested in tests/telemetry/test_dead_collector.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama
from tests.fakes.otlp_sink import Fault, OtlpSink
from tests.faults.stand import MODEL, PATIENCE_S, answering, assert_calm, question

ASKS = 25
QUEUE, BATCH = 64, 16
FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


@pytest.fixture(scope="module")
def sink() -> Iterator[OtlpSink]:
    with OtlpSink(slow_s=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def service(sink: OtlpSink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with (
        FakeOllama([FakeModel(MODEL, resident=True)]).in_thread() as ollama,
        answering(
            tmp_path_factory.mktemp("collector"),
            ollama,
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=sink.url,
            OTEL_EXPORTER_OTLP_TIMEOUT="2",
            # A few questions must overflow the queue.
            OTEL_BSP_SCHEDULE_DELAY="50",
            OTEL_BSP_MAX_QUEUE_SIZE=str(QUEUE),
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE=str(BATCH),
        ) as running,
    ):
        yield running
    assert_calm(running)
    told = [line for line in running.log_lines() if line["logger"].startswith(("opentelemetry", "service.telemetry.d"))]
    assert told and not [line for line in told if line["logger"].startswith("opentelemetry")]
    # Six faults in a row, and what to do about a Collector that takes nothing is not told for each batch of them.
    assert len(told) <= 2 * len(FAULTS)


def undelivered(service: RunningService) -> float:
    return service.value("rag_trace_spans_ended_total") - service.value("rag_trace_spans_total", result="delivered")


def ask_some(service: RunningService, first: int) -> None:
    for number in range(first, first + ASKS):
        assert service.ask(question(number))["mode"] == "generated"


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.value for fault in FAULTS])
def test_questions_are_answered_and_losses_are_on_the_metrics_page(
    service: RunningService, sink: OtlpSink, number: int
) -> None:
    fault = FAULTS[number]
    before = undelivered(service)
    with stricken(sink, fault):
        ask_some(service, number * ASKS)
        wait_until(lambda: fault is Fault.REFUSE or fault.value in sink.calls, PATIENCE_S, "an export meets the fault")
        # More spans than the queue and a batch hold cannot be under way: some of them are lost.
        assert undelivered(service) - before > QUEUE + BATCH
    arrived = len(sink.spans)
    service.ask(question(900 + number))
    wait_until(lambda: len(sink.spans) > arrived, PATIENCE_S, "spans flow again by themselves")
    assert undelivered(service) > before


@contextmanager
def stricken(sink: OtlpSink, fault: Fault) -> Iterator[None]:
    if fault is Fault.REFUSE:
        with sink.away():
            yield
        return
    sink.fault = fault
    yield
    sink.fault = Fault.NONE
