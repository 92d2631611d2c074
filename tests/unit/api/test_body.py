"""The bounds on a body, counted while it arrives."""

import asyncio
from collections import deque
from typing import Any

import pytest

from service.api.body import BodyBounds, allow_body
from service.errors import ErrorKind, ServiceError, TooLarge
from service.services import HttpLimits

LIMITS = HttpLimits(max_body_bytes=1000, body_timeout_s=0.05)


class Sender:
    """A client that sends `parts` and then nothing more, ever."""

    def __init__(self, *parts: bytes, more: bool = False) -> None:
        self._parts = deque(parts)
        self._more = more
        self.taken = 0

    async def receive(self) -> dict[str, Any]:
        if not self._parts:
            await asyncio.Event().wait()
        body = self._parts.popleft()
        self.taken += len(body)
        return {"type": "http.request", "body": body, "more_body": self._more or bool(self._parts)}


def bounds(sender: Sender, scope: dict[str, Any] | None = None, **headers: str) -> BodyBounds:
    raw = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return BodyBounds({} if scope is None else scope, sender.receive, raw, LIMITS)


async def read(body: BodyBounds) -> bytes:
    content = b""
    while (message := await body.receive())["more_body"]:
        content += message["body"]
    return content + bytes(message["body"])


async def test_a_body_at_the_limit_passes() -> None:
    assert await read(bounds(Sender(b"x" * 600, b"y" * 400), transfer_encoding="chunked")) == b"x" * 600 + b"y" * 400


async def test_a_body_above_it_stops_at_once() -> None:
    sender = Sender(*[b"x" * 100] * 50)
    with pytest.raises(TooLarge, match="1,000 bytes"):
        await read(bounds(sender, transfer_encoding="chunked"))
    assert sender.taken == 1100


async def test_an_announced_excess_is_not_read_at_all() -> None:
    sender = Sender(b"x")
    with pytest.raises(TooLarge):
        await bounds(sender, content_length="1001").receive()
    assert sender.taken == 0


async def test_a_route_may_allow_more() -> None:
    scope: dict[str, Any] = {}
    allow_body(scope, 5000)
    assert len(await read(bounds(Sender(b"x" * 5000), scope, content_length="5000"))) == 5000


@pytest.mark.parametrize("encoding", ["gzip", "br", "Deflate", "x"])
async def test_packed_bodies_are_refused(encoding: str) -> None:
    with pytest.raises(ServiceError, match="compressed") as caught:
        await bounds(Sender(b"x"), content_encoding=encoding, content_length="1").receive()
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_a_slow_body_is_cut() -> None:
    body = bounds(Sender(b"x", more=True), content_length="5")
    async with asyncio.timeout(10):
        await body.receive()
        with pytest.raises(ServiceError, match="did not arrive within") as caught:
            await body.receive()
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_waiting_for_the_client_to_leave_has_no_bound() -> None:
    body = bounds(Sender(b"x"), content_length="1")
    assert await read(body) == b"x"
    waiting = asyncio.create_task(body.receive())
    await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    waiting.cancel()


def test_what_is_left_to_read() -> None:
    assert bounds(Sender(), content_length="7").rest_bytes() == 7
    assert bounds(Sender(), transfer_encoding="chunked").rest_bytes() == float("inf")
    assert bounds(Sender(), content_length="0").unread is False
    assert bounds(Sender()).unread is False
    assert bounds(Sender(), transfer_encoding="chunked").unread is True
