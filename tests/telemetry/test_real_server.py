"""Behind a real HTTP server: a client that leaves, exceptions, and the scraper's own listener."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from service.telemetry.exposition import metrics_app
from service.telemetry.logs import configure_logging
from service.telemetry.setup import Telemetry
from tests.fakes.logging_state import restored_logging
from tests.telemetry.sample_app import CANARY, SampleApp, make_telemetry

LIMIT_S = 20.0


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The application on a free loopback port; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started or task.done())
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, LIMIT_S)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


def requests(telemetry: Telemetry, route: str, status_class: str) -> float | None:
    labels = {"route": route, "method": "GET", "status_class": status_class}
    return telemetry.registry.get_sample_value("rag_http_request_duration_seconds_count", labels)


async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_told_apart() -> None:
    telemetry = make_telemetry()
    async with served(SampleApp(telemetry).app) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", f"{url}/endless") as reply:
            assert await anext(reply.aiter_lines()) == "more"
        await until(lambda: requests(telemetry, "/endless", "499") == 1)
        await until(lambda: len(telemetry.ring.recent()) == 1)
        await client.get(f"{url}/stream")

    assert requests(telemetry, "/endless", "2xx") is None
    assert requests(telemetry, "/stream", "2xx") == 1
    whole, left = (trace.spans[0] for trace in telemetry.ring.recent())
    assert (left.name, left.status, left.attributes["error.type"]) == ("GET /endless", "unset", "cancelled")
    assert "error.type" not in whole.attributes


async def test_an_exception_is_logged_once_and_holds_no_content() -> None:
    stream = io.StringIO()
    telemetry = make_telemetry()
    with restored_logging():
        configure_logging("INFO", "emini-rag", "testing", stream)
        async with served(SampleApp(telemetry).app) as url, httpx.AsyncClient() as client:
            reply = await client.get(f"{url}/boom", headers={"user-agent": CANARY})

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert reply.status_code == 500
    assert [line["exception.type"] for line in lines if "exception.type" in line] == ["ValueError"]
    assert [line["status"] for line in lines if line["logger"] == "service.requests"] == [500]
    assert CANARY not in stream.getvalue()
    told = next(line for line in lines if "exception.type" in line)
    assert told["trace_id"] == telemetry.ring.recent()[0].trace_id


async def test_the_scrapers_listener_serves_the_page() -> None:
    telemetry = make_telemetry()
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    async with served(metrics_app(telemetry.page)) as url, httpx.AsyncClient() as client:
        page = await client.get(f"{url}/metrics", headers=accept)
        assert (await client.get(url)).status_code == 404
        assert (await client.head(f"{url}/metrics")).status_code == 200

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    assert "rag_trace_spans_total" in page.text
    telemetry.shutdown()
