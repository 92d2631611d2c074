"""Telemetry as one object: its page, its service name, and an end that is bounded and happens once."""

import io
import json

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from service.telemetry.catalogue import CONSTANT_LABELS
from service.telemetry.logs import configure_logging
from tests.components.service_client import OPENMETRICS
from tests.fakes.logging_state import restored_logging
from tests.fakes.span_exporter import ScriptedExporter
from tests.telemetry.sample_app import SampleApp, make_telemetry


def names(registry: CollectorRegistry) -> set[str]:
    return {family.name for family in registry.collect()}


def test_the_page_holds_ours_the_process_and_the_sdks_own_metrics() -> None:
    telemetry = make_telemetry(exporter=ScriptedExporter())
    telemetry.tracer_provider.get_tracer("test").start_span("one").end()
    found = names(telemetry.registry)
    telemetry.shutdown()

    assert {"rag_ask_duration_seconds", "process_cpu_seconds", "python_info", "python_gc_collections"} <= found
    assert {"otel_sdk_processor_span_queue_size", "otel_sdk_processor_span_queue_capacity"} <= found
    assert not {name for name in found if name.endswith("_created") or name.startswith(("http_server", "target"))}


def test_every_sample_says_environment_and_version_and_none_said_so_before() -> None:
    telemetry = make_telemetry(exporter=ScriptedExporter())
    telemetry.tracer_provider.get_tracer("test").start_span("one").end()
    own = {name for family in telemetry.registry.collect() for sample in family.samples for name in sample.labels}
    page, _ = telemetry.page.render_now(OPENMETRICS)
    telemetry.shutdown()

    assert not own & set(CONSTANT_LABELS)
    samples = [sample for family in text_string_to_metric_families(page.decode()) for sample in family.samples]
    assert {sample.name.partition("_")[0] for sample in samples} >= {"rag", "gen", "process", "python", "otel"}
    told = {(sample.labels["deployment_environment_name"], sample.labels["service_version"]) for sample in samples}
    assert told == {("testing", "1.2.3")}


def test_the_page_says_the_environment_that_spans_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
    telemetry = make_telemetry()
    page, _ = telemetry.page.render_now("")
    telemetry.shutdown()
    assert b'deployment_environment_name="staging",service_version="1.2.3"' in page


def test_nothing_of_it_is_in_the_registry_that_every_library_shares() -> None:
    before = names(REGISTRY)
    telemetry = make_telemetry()
    telemetry.tracer_provider.get_tracer("test").start_span("one").end()
    assert names(REGISTRY) == before
    telemetry.shutdown()


def test_two_in_one_process_do_not_meet() -> None:
    first, second = make_telemetry(), make_telemetry()
    first.tracer_provider.get_tracer("test").start_span("one").end()
    assert (len(first.ring.recent()), len(second.ring.recent())) == (1, 0)
    first.shutdown()
    second.shutdown()


def test_the_name_is_the_one_that_spans_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "emini-rag-dev")
    assert make_telemetry().service == "emini-rag-dev"


def test_shutting_down_sends_what_is_queued_and_happens_once(caplog: pytest.LogCaptureFixture) -> None:
    exporter = ScriptedExporter()
    telemetry = make_telemetry(exporter=exporter)
    for _ in range(10):
        telemetry.tracer_provider.get_tracer("test").start_span("one").end()
    telemetry.shutdown()
    telemetry.shutdown()

    assert sum(len(batch) for batch in exporter.batches) == 10
    assert exporter.shutdowns == 1
    assert telemetry.registry.get_sample_value("rag_trace_spans_total", {"result": "delivered"}) == 10
    assert caplog.records == []


async def test_what_was_not_delivered_is_told_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = make_telemetry(exporter=ScriptedExporter(SpanExportResult.FAILURE))
    for _ in range(3):
        telemetry.tracer_provider.get_tracer("test").start_span("one").end()
    await telemetry.close()

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert caplog.messages[0].startswith("the Collector takes no traces")
    assert caplog.messages[1] == "3 spans were not delivered"
    assert telemetry.registry.get_sample_value("rag_trace_spans_total", {"result": "failed"}) == 3


async def test_a_request_after_the_end_is_still_answered() -> None:
    telemetry = make_telemetry(exporter=ScriptedExporter())
    sample = SampleApp(telemetry)
    await telemetry.close()
    async with sample.client() as client:
        assert (await client.post("/ask")).status_code == 200


async def test_a_requests_log_line_is_joined_to_its_server_span() -> None:
    stream = io.StringIO()
    telemetry = make_telemetry()
    with restored_logging():
        configure_logging("INFO", "emini-rag", "testing", stream)
        async with SampleApp(telemetry).client() as client:
            reply = await client.post("/ask")

    (line,) = (json.loads(line) for line in stream.getvalue().splitlines())
    (span,) = telemetry.ring.recent()[0].spans
    assert (line["logger"], line["route"], line["status"]) == ("service.requests", "/ask", 200)
    assert (
        (line["trace_id"], line["span_id"])
        == (span.trace_id, span.span_id)
        == (reply.headers["x-trace-id"], span.span_id)
    )
