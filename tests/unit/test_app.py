"""The application as a whole."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from service.app import create_app
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of

ROUTES = {
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/console/{name:path}"),
    ("GET", "/session"),
    ("HEAD", "/healthz"),
    ("HEAD", "/readyz"),
    ("POST", "/ask"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{name:path}"),
    ("GET", "/monitoring/performance"),
    ("GET", "/monitoring/cache"),
    ("DELETE", "/monitoring/cache"),
    ("GET", "/monitoring/recent"),
    ("GET", "/monitoring/slow"),
    ("GET", "/monitoring/traces/{trace_id}"),
    ("GET", "/monitoring/usual"),
    ("GET", "/monitoring/live"),
    ("GET", "/monitoring/models"),
    ("POST", "/monitoring/models/{name:path}/preload"),
    ("POST", "/documents"),
    ("GET", "/documents"),
    ("GET", "/documents/{document_id}"),
    ("GET", "/documents/{document_id}/text"),
    ("DELETE", "/documents/{document_id}"),
    ("POST", "/checkpoint/hold"),
    ("POST", "/checkpoint/release"),
    ("POST", "/checkpoint/restored"),
    ("POST", "/checkpoint/search"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
}


def test_every_route_is_there_twice_and_asynchronous() -> None:
    found = set()
    for route in create_app(FakeServices().build()).routes:
        assert isinstance(route, APIRoute)
        assert asyncio.iscoroutinefunction(route.endpoint), route.path
        found |= {(method, route.path) for method in route.methods}
    assert found == ROUTES | {(method, "/api" + path) for method, path in ROUTES}


def test_asking_is_the_first_route_that_is_tried() -> None:
    assert getattr(create_app(FakeServices().build()).routes[0], "path", "") == "/ask"


async def test_two_applications_do_not_share_anything() -> None:
    one, two = FakeServices(), FakeServices()
    async with client_of(one) as first, client_of(two) as second:
        await first.post("/api/ask", json={"query": "x"})
        await second.post("/ask", json={"query": "y"})
    assert ([question.text for question in one.asker.questions], len(two.asker.questions)) == (["x"], 1)


async def test_what_stands_outside_sees_refusals_too() -> None:
    seen: list[tuple[str, int]] = []

    def layer(name: str) -> Any:
        def wrap(app: Any) -> Any:
            async def middleware(scope: Any, receive: Any, send: Any) -> None:
                async def told(message: Any) -> None:
                    if message["type"] == "http.response.start":
                        seen.append((name, message["status"]))
                    await send(message)

                await app(scope, receive, told)

            return middleware

        return wrap

    app = create_app(FakeServices().build(), extra_middleware=[layer("outer"), layer("inner")])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        await client.get("/healthz", headers={"host": "evil.example"})
    assert seen == [("inner", 400), ("outer", 400)]


async def test_it_closes_what_it_was_given(caplog: pytest.LogCaptureFixture) -> None:
    fakes = FakeServices()
    app = create_app(fakes.build())
    async with app.router.lifespan_context(app):
        assert fakes.closed == 0
    assert fakes.closed == 1
    assert not caplog.records


async def test_it_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    app = create_app(replace(FakeServices().build(), close=hang), close_s=0.01)
    async with asyncio.timeout(10), app.router.lifespan_context(app):
        pass
    assert "closing took longer than 0.01 s" in caplog.text
