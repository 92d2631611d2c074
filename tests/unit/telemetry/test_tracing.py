"""Provider, resource, limits, losses counted, and a bounded end."""

import threading

import pytest
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from service.ask.types import TraceRef
from service.telemetry.tracing import (
    Tracing,
    current_trace,
    make_resource,
    otlp_exporter,
    shut_down,
    trace_headers,
)
from service.telemetry.vocabulary import Export
from tests.fakes.span_exporter import ScriptedExporter

LIMIT_S = 20.0


def make(exporter: SpanExporter | None = None) -> tuple[Tracing, list[tuple[Export | None, int]]]:
    counted: list[tuple[Export | None, int]] = []
    tracing = Tracing(
        make_resource("emini-rag", "1.0", "testing"),
        NoOpMeterProvider(),
        exporter=exporter,
        count=lambda result, spans: counted.append((result, spans)),
    )
    return tracing, counted


def spans(tracing: Tracing, count: int) -> None:
    tracer = tracing.provider.get_tracer("test")
    for number in range(count):
        tracer.start_span(f"span {number}").end()


def test_without_an_exporter_spans_stay_in_the_ring() -> None:
    tracing, counted = make()
    spans(tracing, 3)

    assert len(tracing.ring.recent()) == 3
    assert tracing.undelivered == 0
    tracing.provider.shutdown()
    assert counted == []


def test_shutting_down_sends_what_is_queued() -> None:
    exporter = ScriptedExporter()
    tracing, counted = make(exporter)
    spans(tracing, 5)
    assert tracing.undelivered == 5

    tracing.provider.shutdown()

    assert sum(len(batch) for batch in exporter.batches) == 5
    assert counted == [(None, 1)] * 5 + [(Export.DELIVERED, 5)]
    assert tracing.undelivered == 0
    assert exporter.shutdowns == 1


@pytest.mark.parametrize("fault", [SpanExportResult.FAILURE, OSError("no route")])
def test_a_batch_that_is_given_up_is_counted_and_the_next_one_is_sent(
    fault: SpanExportResult | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    tracing, counted = make(ScriptedExporter(fault))
    spans(tracing, 3)
    tracing.provider.force_flush()
    spans(tracing, 2)
    tracing.provider.shutdown()

    ended = (None, 1)
    assert counted == [ended] * 3 + [(Export.FAILED, 3)] + [ended] * 2 + [(Export.DELIVERED, 2)]
    assert tracing.undelivered == 3


def test_what_is_not_sampled_is_neither_sent_nor_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    exporter = ScriptedExporter()
    tracing, counted = make(exporter)
    spans(tracing, 4)
    tracing.provider.shutdown()

    assert (exporter.batches, counted, tracing.undelivered) == ([], [], 0)
    assert tracing.ring.recent() == ()


def test_long_values_are_cut() -> None:
    tracing, _ = make()
    with tracing.provider.get_tracer("test").start_as_current_span("long") as span:
        span.set_attribute("text", "x" * 100_000)
        span.add_event("event", {"text": "y" * 100_000})

    assert len(tracing.ring.recent()[0].spans[0].attributes["text"]) == 4096
    assert tracing.ring.size_bytes < 20_000


def test_a_length_limit_from_the_environment_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10")
    tracing, _ = make()
    with tracing.provider.get_tracer("test").start_as_current_span("long") as span:
        span.set_attribute("text", "x" * 100)

    assert tracing.ring.recent()[0].spans[0].attributes["text"] == "x" * 10


def test_the_resource_says_who_sends() -> None:
    attributes = make_resource("emini-rag", "1.0", "testing").attributes

    assert attributes["service.name"] == "emini-rag"
    assert attributes["service.version"] == "1.0"
    assert attributes["deployment.environment.name"] == "testing"
    assert attributes["service.instance.id"]
    assert attributes["telemetry.sdk.language"] == "python"


def test_opentelemetrys_variables_win_over_our_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes,service.instance.id=box-7,team=rag")
    attributes = make_resource("emini-rag", "1.0", "testing").attributes
    assert (attributes["service.name"], attributes["service.instance.id"]) == ("from-attributes", "box-7")
    assert attributes["team"] == "rag"

    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-name")
    assert make_resource("emini-rag", "1.0", "testing").attributes["service.name"] == "from-name"


def test_current_trace_is_empty_outside_and_hex_inside() -> None:
    tracing, _ = make()
    assert current_trace() == TraceRef()
    with tracing.provider.get_tracer("test").start_as_current_span("inside"):
        inside = current_trace()

    kept = tracing.ring.recent()[0].spans[0]
    assert inside == TraceRef(kept.trace_id, kept.span_id)
    assert (len(inside.trace_id), len(inside.span_id)) == (32, 16)


@pytest.mark.parametrize(
    "url", ["collector:4318", "grpc://collector:4317", "http://collector:99999/v1/traces", "http://[::1"]
)
def test_an_unusable_endpoint_is_told_and_nothing_is_exported(url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert otlp_exporter(url, 1.0, NoOpMeterProvider()) is None
    assert "not exported" in caplog.text


def test_shutting_down_runs_all_parts_at_once_and_waits_for_no_one_for_ever() -> None:
    hold = threading.Event()
    both = threading.Barrier(2)
    ended = []

    def meets() -> None:
        both.wait(LIMIT_S)
        ended.append("meets")

    def fails() -> None:
        both.wait(LIMIT_S)
        raise RuntimeError("broken")

    late = shut_down({"meets": meets, "fails": fails}, LIMIT_S)
    assert (late, ended) == ((), ["meets"])

    late = shut_down({"hangs": lambda: hold.wait(LIMIT_S), "ends": lambda: None}, 0.05)
    hold.set()
    assert late == ("hangs",)


def test_servers_are_told_the_trace_they_work_for() -> None:
    assert trace_headers() == {}
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("ask") as span:
        context = span.get_span_context()
        told = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
        assert trace_headers()["traceparent"] == told
