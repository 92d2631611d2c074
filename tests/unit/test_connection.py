"""Time and size of a request's head, on real connections."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.connection import BoundedConnection
from tests.fakes.services import FakeServices
from tests.serving import WAIT_S, serving

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


async def talk(port: int, do: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> bytes:
    """Everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await do(writer)
        async with asyncio.timeout(WAIT_S):
            return await reader.read()
    finally:
        writer.close()


class Quick(BoundedConnection):
    """A deadline that a test can wait for."""

    head_timeout_s = 0.1


@pytest.mark.parametrize("head", [b"", b"\r\n", b"G", GET, GET + b"X-Slow: 1\r\n"])
async def test_a_head_that_does_not_end_ends_the_connection(head: bytes) -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(head)

    async with serving(FakeServices(), connection=Quick) as served:
        assert await talk(served.port, send) == b""


async def test_a_second_head_on_a_kept_connection_has_its_own_time() -> None:
    async with serving(FakeServices(), connection=Quick) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        async with asyncio.timeout(WAIT_S):
            writer.write(GET + b"\r\n")
            assert b"200 OK" in await reader.readuntil(b"}")
            writer.write(GET)
            assert await reader.read() == b""
        writer.close()


async def test_a_head_without_end_is_refused() -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(GET + b"X-Long: " + b"x" * 70_000)

    async with serving(FakeServices()) as served:
        assert (await talk(served.port, send)).startswith(b"HTTP/1.1 431 ")


async def test_a_long_body_in_the_same_piece_is_no_long_head() -> None:
    body = b'{"query": "' + b"x" * 100_000 + b'"}'
    head = b"POST /ask HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)

    async with serving(FakeServices()) as served:
        assert (await talk(served.port, send)).startswith(b"HTTP/1.1 422 ")
