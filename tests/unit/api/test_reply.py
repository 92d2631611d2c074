"""Replies that are sent before the whole request was read."""

import asyncio
from typing import Any

from service.api.body import BodyBounds
from service.api.reply import Reply
from service.services import HttpLimits


async def send_early(content_length: int, rest: list[bytes]) -> tuple[list[dict[str, Any]], int]:
    """What is sent, and how many messages were read, when a reply comes before the body."""
    sent: list[dict[str, Any]] = []
    read = 0

    async def receive() -> Any:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": rest[read - 1], "more_body": read < len(rest)}

    async def send(message: Any) -> None:
        sent.append(message)

    body = BodyBounds({}, receive, {b"content-length": b"%d" % content_length}, HttpLimits())
    reply = Reply(send, body, "id1")
    async with asyncio.timeout(10):
        await reply.send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
        await reply.send({"type": "http.response.body", "body": b"no"})
    return sent, read


async def test_a_long_rest_is_thrown_away_after_the_reply_and_the_connection_closed() -> None:
    sent, read = await send_early(1_000_000, [b"x"] * 3)
    assert (b"connection", b"close") in sent[0]["headers"]
    assert [(message["body"], message["more_body"]) for message in sent[1:]] == [(b"no", True), (b"", False)]
    assert read == 3


async def test_a_short_rest_keeps_the_connection() -> None:
    sent, read = await send_early(100, [])
    assert (b"connection", b"close") not in sent[0]["headers"]
    assert (len(sent), read) == (2, 0)


async def test_who_was_cut_for_being_slow_is_not_waited_for_again() -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        raise AssertionError("nothing more is read")

    async def send(message: Any) -> None:
        sent.append(message)

    body = BodyBounds({}, receive, {b"content-length": b"1000000"}, HttpLimits())
    body.late = True
    reply = Reply(send, body, "id1")
    await reply.send({"type": "http.response.start", "status": 400, "headers": []})
    await reply.send({"type": "http.response.body", "body": b"no"})
    assert (b"connection", b"close") in sent[0]["headers"]
    assert sent[1] == {"type": "http.response.body", "body": b"no"}
