"""The middleware inside the server span: what is measured and logged, and what it does when things end otherwise."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry

from service.telemetry.asgi import RequestTelemetry, routes_of
from service.telemetry.meters import Meters
from tests.fakes.clock import ManualClock
from tests.telemetry.sample_app import MODELS, SampleApp, make_telemetry

NAME = "rag_http_request_duration_seconds"


def counts(registry: CollectorRegistry) -> dict[tuple[str, str, str], float]:
    """Requests by route, method and status class, where there were any."""
    return {
        (sample.labels["route"], sample.labels["method"], sample.labels["status_class"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == f"{NAME}_count" and sample.value
    }


def scope_of(path: str = "/ask", method: str = "POST", kind: str = "http") -> dict[str, Any]:
    return {"type": kind, "method": method, "path": path, "query_string": b"", "headers": []}


class Stand:
    """The middleware around an application written in the test, driven message by message."""

    def __init__(self, app: Any) -> None:
        self.registry = CollectorRegistry()
        self.clock = ManualClock()
        self.sent: list[Mapping[str, Any]] = []
        self.incoming: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        routes = FastAPI()
        routes.add_api_route("/ask", lambda: None, methods=["POST"])
        self.middleware = RequestTelemetry(app, routes_of(routes), Meters(self.registry, MODELS), self.clock)

    async def request(self, **scope: Any) -> None:
        async def send(message: Mapping[str, Any]) -> None:
            self.sent.append(message)

        await self.middleware(scope_of(**scope), self.incoming.get, send)  # type: ignore[arg-type]

    @property
    def counts(self) -> dict[tuple[str, str, str], float]:
        return counts(self.registry)

    def sum_s(self) -> float:
        value = self.registry.get_sample_value(
            f"{NAME}_sum", {"route": "/ask", "method": "POST", "status_class": "2xx"}
        )
        assert value is not None
        return value


async def test_requests_are_counted_by_template_method_and_class() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        await client.post("/ask")
        await client.post("/api/ask")
        await client.get("/documents/1")
        await client.delete("/api/documents/2")
        await client.get("/ask")
        await client.get("/boom")
        for quiet in ("/healthz", "/metrics", "/api/monitoring/live", "/console/js/main.js"):
            await client.get(quiet)

    assert counts(telemetry.registry) == {
        ("/ask", "POST", "2xx"): 2,
        ("/documents/{document_id}", "GET", "2xx"): 1,
        ("/documents/{document_id}", "DELETE", "2xx"): 1,
        ("/ask", "GET", "4xx"): 1,
        ("/boom", "GET", "5xx"): 1,
    }


async def test_replies_of_answering_routes_are_counted_from_zero_on() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        await client.get("/healthz")
    for route in ("/ask", "/v1/chat/completions"):
        for status in ("2xx", "4xx", "5xx"):
            labels = {"route": route, "method": "POST", "status_class": status}
            assert telemetry.registry.get_sample_value(f"{NAME}_count", labels) == 0


async def test_whatever_path_or_method_a_client_invents_it_is_one_series() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        for number in range(200):
            await client.request(f"BREW{number}", f"/no/such/{number}")

    assert counts(telemetry.registry) == {("unmatched", "_OTHER", "4xx"): 200}


async def test_a_sampled_request_leaves_an_exemplar_that_names_its_trace() -> None:
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        reply = await client.post("/ask")

    page, _ = telemetry.page.render_now("application/openmetrics-text; version=1.0.0")
    line = next(line for line in page.decode().splitlines() if line.startswith(f"{NAME}_bucket") and "#" in line)
    assert f'trace_id="{reply.headers["x-trace-id"]}"' in line


async def test_time_ends_with_the_last_chunk() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        stand.clock.advance(1.0)
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        stand.clock.advance(2.0)
        await send({"type": "http.response.body", "body": b""})

    stand = Stand(app)
    await stand.request()

    assert stand.counts == {("/ask", "POST", "2xx"): 1}
    assert stand.sum_s() == 3.0


async def test_a_client_that_leaves_before_the_end_is_counted_as_such() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()
        await send({"type": "http.response.body", "body": b""})

    stand = Stand(app)
    stand.incoming.put_nowait({"type": "http.disconnect"})
    await stand.request()
    assert stand.counts == {("/ask", "POST", "499"): 1}


async def test_hearing_of_the_end_after_the_end_is_no_leaving() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        await receive()

    stand = Stand(app)
    stand.incoming.put_nowait({"type": "http.disconnect"})
    await stand.request()
    assert stand.counts == {("/ask", "POST", "2xx"): 1}


async def test_a_cancelled_request_is_counted_and_stays_cancelled() -> None:
    started = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        started.set()
        await asyncio.Event().wait()

    stand = Stand(app)
    task = asyncio.create_task(stand.request())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stand.counts == {("/ask", "POST", "499"): 1}


async def test_a_server_that_cannot_write_any_more_means_the_client_left(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        raise ConnectionResetError("gone")

    stand = Stand(app)
    with pytest.raises(ConnectionResetError):
        await stand.middleware(scope_of(), stand.incoming.get, send)  # type: ignore[arg-type]
    assert stand.counts == {("/ask", "POST", "499"): 1}
    assert not [record for record in caplog.records if "unexpected" in record.message]


async def test_an_application_that_never_answers_failed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        return None

    stand = Stand(app)
    await stand.request()
    assert stand.counts == {("/ask", "POST", "5xx"): 1}


async def test_what_is_no_request_passes_untouched() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["type"], receive))

    stand = Stand(app)
    await stand.request(kind="lifespan")
    assert seen == [("lifespan", stand.incoming.get)]
    assert stand.counts == {}


async def test_errors_are_logged_always_and_hits_once_in_a_hundred(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.requests")
    telemetry = make_telemetry()
    async with SampleApp(telemetry).client() as client:
        for _ in range(150):
            await client.post("/ask", headers={"x-wanted-cache": "hit"})
        for _ in range(3):
            await client.post("/ask", headers={"x-wanted-cache": "miss"})
            await client.get("/nothing/here?question=secret")
            await client.get("/healthz")

    lines = [record.__dict__["fields"] for record in caplog.records if record.name == "service.requests"]
    told = [(line["route"], line["status"], line.get("cache")) for line in lines]
    assert told.count(("/ask", 200, "hit")) == 2
    assert told.count(("/ask", 200, "miss")) == 3
    assert told.count(("unmatched", 404, None)) == 3
    assert len(told) == 8
    assert "secret" not in repr(lines)
    assert {"route", "method", "status", "duration_s", "cache", "model"} == set(lines[0])


async def test_a_trace_id_that_the_application_set_is_not_doubled() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-trace-id", b"abc")]})
        await send({"type": "http.response.body", "body": b""})

    stand = Stand(app)
    with make_telemetry().tracer_provider.get_tracer("test").start_as_current_span("server"):
        await stand.request()
    assert stand.sent[0]["headers"] == [(b"x-trace-id", b"abc")]


def test_routes_are_read_from_the_application_mounted_ones_too(tmp_path: Any) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/documents/{id}", lambda: None)
    app.add_route("/page", lambda request: PlainTextResponse(""))
    app.mount("/static", StaticFiles(directory=tmp_path))
    routes = routes_of(app)

    assert routes.label("/documents/1") == "/documents/{id}"
    assert routes.label("/page") == "/page"
    assert routes.label("/static/deep/file.js") == "/static"
    assert routes.label("/documents/1/2") == "unmatched"
