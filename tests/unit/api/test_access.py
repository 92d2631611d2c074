"""Who may do what: every route, with and without the right scope, before a byte of a body is read."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from service.app import create_app
from service.auth.principal import Scope
from tests.fakes.services import FakeGate, FakeServices
from tests.unit.api.client import client_of, with_keys

OPEN = {"/healthz", "/readyz", "/", "/console/{name:path}"}
READ = {Scope.ASK, Scope.MONITOR, Scope.INGEST}
SCOPES: dict[tuple[str, str], set[Scope]] = {
    ("POST", "/ask"): {Scope.ASK},
    ("POST", "/v1/chat/completions"): {Scope.ASK},
    ("GET", "/v1/models"): {Scope.ASK, Scope.MONITOR},
    ("GET", "/v1/models/{name:path}"): {Scope.ASK, Scope.MONITOR},
    ("GET", "/monitoring/performance"): {Scope.MONITOR},
    ("GET", "/monitoring/cache"): {Scope.MONITOR},
    ("GET", "/monitoring/recent"): {Scope.MONITOR},
    ("GET", "/monitoring/slow"): {Scope.MONITOR},
    ("GET", "/monitoring/traces/{trace_id}"): {Scope.MONITOR},
    ("GET", "/monitoring/usual"): {Scope.MONITOR},
    ("GET", "/monitoring/live"): {Scope.MONITOR},
    ("GET", "/monitoring/models"): {Scope.MONITOR},
    ("DELETE", "/monitoring/cache"): {Scope.ADMIN},
    ("POST", "/monitoring/models/{name:path}/preload"): {Scope.ADMIN},
    ("POST", "/documents"): {Scope.INGEST},
    ("GET", "/documents"): READ,
    ("GET", "/documents/{document_id}"): READ,
    ("GET", "/documents/{document_id}/text"): READ,
    ("DELETE", "/documents/{document_id}"): {Scope.INGEST},
    ("POST", "/checkpoint/hold"): {Scope.ADMIN},
    ("POST", "/checkpoint/release"): {Scope.ADMIN},
    ("POST", "/checkpoint/restored"): {Scope.ADMIN},
    ("POST", "/checkpoint/search"): {Scope.ADMIN},
    ("GET", "/metrics"): {Scope.MONITOR},
    ("GET", "/openapi.json"): set(Scope),
    ("GET", "/session"): set(Scope),
}


def closed_routes() -> Iterator[tuple[str, str, set[Scope]]]:
    """Every route of the application that is not open; a new one without scopes here fails the test."""
    for route in create_app(FakeServices().build()).routes:
        assert isinstance(route, APIRoute)
        path = route.path.removeprefix("/api") or "/"
        if path not in OPEN:
            for method in route.methods:
                yield method, route.path, SCOPES[method, path]


def url(path: str) -> str:
    path = path.replace("/console/{name:path}", "/console/js/main.js")
    return path.replace("{name:path}", "llama3.2:3b").replace("{document_id}", "none")


async def ask(fakes: FakeServices, method: str, path: str, headers: dict[str, str] | None = None) -> int:
    async with client_of(fakes) as client:
        return (await client.request(method, url(path), headers=headers)).status_code


async def test_no_key_wrong_key_wrong_scope_right_scope() -> None:
    count = 0
    for method, path, scopes in closed_routes():
        fakes, gate = with_keys()
        assert await ask(fakes, method, path) == 401, path
        assert await ask(fakes, method, path, {"authorization": "Bearer other"}) == 401, path
        for scope in Scope:
            allowed = await ask(fakes, method, path, gate.key(scope)) not in (401, 403)
            assert allowed == (scope in scopes), (method, path, scope)
        count += 1
    assert count == 2 * len(SCOPES)


async def test_open_routes_ask_for_nothing() -> None:
    fakes, gate = with_keys()
    for path in OPEN:
        assert await ask(fakes, "GET", path) == 200, path
    assert not gate.seen


@pytest.mark.parametrize("path", ["/ask", "/v1/chat/completions", "/documents"])
@pytest.mark.parametrize("known", [False, True])
async def test_nobody_without_a_key_gets_a_body_read(path: str, known: bool) -> None:
    fakes, gate = with_keys()
    received, sent = 0, []

    async def receive() -> Any:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    key = gate.key(Scope.MONITOR)["authorization"].encode() if known else b"Bearer wrong"
    headers = [(b"host", b"localhost"), (b"content-length", b"2"), (b"authorization", key)]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await create_app(fakes.build())(scope, receive, send)
    assert (sent[0]["status"], received) == (403 if known else 401, 0)


async def test_two_authorization_headers_are_one_too_many() -> None:
    fakes, gate = with_keys()
    key = gate.key(Scope.ASK)["authorization"]
    async with client_of(fakes) as client:
        twice = [("authorization", key), ("authorization", key)]
        reply = await client.post("/ask", json={"query": "x"}, headers=twice)
    assert reply.status_code == 401


async def test_a_key_in_the_url_is_not_looked_at() -> None:
    gate = FakeGate()
    gate.key(Scope.ASK)
    async with client_of(FakeServices(gate)) as client:
        reply = await client.post("/ask?authorization=Bearer+key0&api_key=key0", json={"query": "x"})
    assert reply.status_code == 401
