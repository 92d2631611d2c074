"""What we rely on in OpenTelemetry's FastAPI instrumentation; an upgrade that changes it fails here."""

import asyncio

import httpx
import pytest

from service.telemetry.ring import KeptSpan, KeptTrace
from service.telemetry.setup import Telemetry
from tests.telemetry.sample_app import CANARY, SampleApp, make_telemetry

HEX_TRACE = "0af7651916cd43dd8448eb211c80319c"
HEX_SPAN = "b7ad6b7169203331"


def traces(telemetry: Telemetry) -> tuple[KeptTrace, ...]:
    return telemetry.ring.recent(100)


def only_span(telemetry: Telemetry) -> KeptSpan:
    ((span,),) = (trace.spans for trace in traces(telemetry))
    return span


async def test_one_request_is_one_server_span_under_the_new_names() -> None:
    telemetry = make_telemetry()
    sample = SampleApp(telemetry)
    async with sample.client() as client:
        reply = await client.post("/ask", json={"query": "x"})

    span = only_span(telemetry)
    assert (span.name, span.kind, span.parent_id, span.status) == ("POST /ask", "server", "", "unset")
    assert span.attributes["http.request.method"] == "POST"
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["http.route"] == "/ask"
    assert span.attributes["url.path"] == "/ask"
    assert "client.address" not in span.attributes
    assert not {name for name in span.attributes if name in ("http.method", "http.status_code", "http.url")}
    assert sample.seen_traces == [span.trace_id]
    assert reply.headers["x-trace-id"] == span.trace_id


async def test_routes_under_a_prefix_and_with_parameters_are_templates() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        await client.get("/api/documents/17")

    assert only_span(telemetry).name == "GET /api/documents/{document_id}"


async def test_a_stream_is_one_span_and_current_in_every_chunk() -> None:
    telemetry = make_telemetry()
    sample = SampleApp(telemetry)
    async with sample.client() as client:
        reply = await client.get("/stream")

    span = only_span(telemetry)
    assert reply.text == "0\n1\n2\n"
    assert sample.seen_traces == [span.trace_id] * 3


async def test_a_streams_span_ends_after_the_last_chunk() -> None:
    telemetry = make_telemetry()
    sample = SampleApp(telemetry)
    open_at_chunk: list[int] = []

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body":
            open_at_chunk.append(len(traces(telemetry)))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/stream",
        "raw_path": b"/stream",
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8001),
    }
    await sample.app(scope, receive, send)  # type: ignore[arg-type]

    assert open_at_chunk == [0, 0, 0, 0]
    assert len(traces(telemetry)) == 1


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/api/healthz", "/metrics", "/monitoring/live", "/console/js/views/ask.js", "/api/console/icon.svg"],
)
async def test_machines_that_ask_every_few_seconds_leave_no_span(path: str) -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        reply = await client.get(path)

    assert reply.status_code == 200
    assert traces(telemetry) == ()
    assert "x-trace-id" not in reply.headers


@pytest.mark.parametrize("host", ["evil/healthz", "evil/console/a.js"])
async def test_a_host_called_like_them_is_traced_all_the_same(host: str) -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        await client.post("/ask", headers={"host": host})

    assert only_span(telemetry).name == "POST /ask"


async def test_wrong_methods_and_unknown_paths_have_names_of_a_closed_set() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        for method, path in (("PUT", "/api/ask"), ("BREW", "/ask"), ("GET", "/nope"), ("BREW", "/nope")):
            await client.request(method, path)

    assert [trace.spans[0].name for trace in reversed(traces(telemetry))] == [
        "PUT /api/ask",
        "HTTP /ask",
        "GET",
        "HTTP",
    ]


async def test_a_clients_trace_goes_on() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        await client.post("/ask", headers={"traceparent": f"00-{HEX_TRACE}-{HEX_SPAN}-01"})

    span = only_span(telemetry)
    assert (span.trace_id, span.parent_id) == (HEX_TRACE, HEX_SPAN)


async def test_query_strings_and_headers_reach_handlers_and_never_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    telemetry = make_telemetry()
    sample = SampleApp(telemetry)
    headers = {"user-agent": f"agent {CANARY}", "authorization": f"Bearer {CANARY}", "cookie": CANARY}
    async with sample.client() as client:
        await client.post(f"/ask?question={CANARY}", headers=headers)

    assert sample.seen_queries == [f"question={CANARY}"]
    assert sample.seen_agents == [f"agent {CANARY}"]
    assert CANARY not in repr(traces(telemetry))


async def test_a_failure_is_one_error_span_that_holds_no_message(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        reply = await client.get("/boom")

    span = only_span(telemetry)
    assert reply.status_code == 500
    assert (span.status, span.attributes["http.response.status_code"]) == ("error", 500)
    assert [name for name, _ in span.events] == ["exception"]
    assert CANARY not in repr(span)
    assert [record.message for record in caplog.records] == ["unexpected ValueError", "request"]


async def test_many_requests_at_once_do_not_mix() -> None:
    telemetry = make_telemetry()
    sample = SampleApp(telemetry)
    async with sample.client() as client:
        replies = await asyncio.gather(*(client.get(f"/documents/{number}") for number in range(50)))

    ids = [reply.headers["x-trace-id"] for reply in replies]
    assert len(set(ids)) == 50
    assert sorted(ids) == sorted(sample.seen_traces)
    assert all(len(trace.spans) == 1 for trace in traces(telemetry))


async def test_unsampled_requests_still_answer_with_their_trace_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        reply = await client.post("/ask")

    assert isinstance(reply, httpx.Response)
    assert len(reply.headers["x-trace-id"]) == 32
    assert traces(telemetry) == ()
