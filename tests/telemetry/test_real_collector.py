"""What the real OpenTelemetry Collector receives of a request."""

import pytest

from ops.stack.process import wait_until
from tests.components.collector import ARRIVAL_S, RunningCollector
from tests.telemetry.sample_app import CANARY, SampleApp, make_telemetry

pytestmark = pytest.mark.real


async def test_a_request_arrives_as_one_server_span_with_our_resource(real_collector: RunningCollector) -> None:
    telemetry = make_telemetry(traces_url=f"{real_collector.url}/v1/traces")
    async with SampleApp(telemetry).client() as client:
        reply = await client.post(f"/ask?q={CANARY}", headers={"user-agent": CANARY})
    trace_id = reply.headers["x-trace-id"]
    with telemetry.stages.start("work") as span:
        work_id = f"{span.context.trace_id:032x}"
    await telemetry.close()

    (server,) = real_collector.trace(trace_id)
    assert (server["name"], server["kind"], server["parent_id"], server["status"]) == (
        "POST /ask",
        "server",
        "",
        "unset",
    )
    assert server["attributes"]["http.response.status_code"] == 200
    assert server["attributes"]["http.route"] == "/ask"
    assert CANARY not in repr(server)
    assert server["resource"]["service.name"] == "emini-rag-test"
    assert server["resource"]["service.version"] == "1.2.3"
    assert server["resource"]["deployment.environment.name"] == "testing"
    assert server["resource"]["service.instance.id"]
    assert real_collector.trace(work_id)[0]["kind"] == "internal"
    assert telemetry.registry.get_sample_value("rag_trace_spans_total", {"result": "delivered"}) == 2


async def test_no_span_of_a_finished_request_is_lost_at_the_end(real_collector: RunningCollector) -> None:
    telemetry = make_telemetry(traces_url=f"{real_collector.url}/v1/traces")
    async with SampleApp(telemetry).client() as client:
        trace_ids = {(await client.get(f"/documents/{number}")).headers["x-trace-id"] for number in range(600)}
    await telemetry.close()

    def arrived() -> bool:
        return trace_ids <= {span["trace_id"] for span in real_collector.spans()}

    wait_until(arrived, ARRIVAL_S, "every span of 600 requests")
    assert telemetry.registry.get_sample_value("rag_trace_spans_total", {"result": "delivered"}) == 600
