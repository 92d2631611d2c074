"""The one layer before every route."""

from typing import Any

import pytest

from service.api.guards import Guard
from service.services import HttpLimits
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of


async def exchange(app: Any, *headers: tuple[bytes, bytes], path: str = "/ask") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"localhost"), *headers]}
    await Guard(app, HttpLimits(), lambda: "trace1")(scope, receive, send)
    return sent


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/ask", "/"])
async def test_every_reply_is_marked(path: str) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.get(path)
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert len(reply.headers.get_list("content-security-policy")) == 1
    # The page is kept, and asked about again each time; answers are not kept at all.
    assert reply.headers["cache-control"] == ("no-cache" if path == "/" else "no-store")
    assert "access-control-allow-origin" not in reply.headers
    assert len(reply.headers["x-request-id"]) == 16


@pytest.mark.parametrize("given", ["abc-123", "A" * 128, "7f.1_x"])
async def test_a_harmless_request_id_is_kept(given: str) -> None:
    async with client_of(FakeServices()) as client:
        assert (await client.get("/healthz", headers={"x-request-id": given})).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "A" * 129, "a b", "<script>", "a\tb", "é"])
async def test_any_other_is_replaced(given: str) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.get("/healthz", headers={"x-request-id": given.encode("latin-1")})  # type: ignore[dict-item]
    assert len(reply.headers["x-request-id"]) == 16


async def test_the_last_net_tells_nothing_and_logs_once(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("canary-4711")

    sent = await exchange(broken)
    assert sent[0]["status"] == 500
    assert b"canary" not in sent[1]["body"]
    assert b"trace1" in sent[1]["body"]
    assert len(caplog.records) == 1


async def test_a_reply_that_broke_is_left_unfinished(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("broke")

    sent = await exchange(broken)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert len(caplog.records) == 1


async def test_other_protocols_pass() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await Guard(app, HttpLimits(), str)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
