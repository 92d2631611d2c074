"""The load generator reads HTTP as it is sent, counts what it gets, and takes tokens' stamps once."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.bench.load import is_whole, request_bytes, run, token_latencies
from tests.bench.processes import cpu_s, resident_mb

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("got", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", False),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", True),
        (b"HTTP/1.1 204 No Content\r\nContent-Length:0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n", False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", True),
    ],
)
def test_a_reply_is_whole_when_its_body_is(got: bytes, whole: bool) -> None:
    assert is_whole(got) is whole


def test_a_request_has_its_length_in_bytes() -> None:
    assert b"content-length: 2\r\n" in request_bytes("/ask", "ü", {})
    assert request_bytes("/healthz", None, {}).startswith(b"GET /healthz HTTP/1.1\r\n")


def test_a_stamp_counts_when_it_is_seen_first() -> None:
    # The last piece repeats the whole answer.
    pieces = [(2_000_000_000, b"<1999000000>"), (3_000_000_000, b"<2998000000>"), (9_000_000_000, b"<1999000000>")]
    assert list(token_latencies(pieces)) == pytest.approx([0.001, 0.002])


@pytest.mark.parametrize("mode", ["closed", "paced"])
async def test_every_request_is_sent_once_and_every_status_counted(mode: str) -> None:
    heard: Counter[bytes] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            heard[head.split()[1]] += 1
            refused = sum(heard.values()) == 7
            writer.write(ANSWER.replace(b"200 OK", b"503 No") if refused else ANSWER)

    async with _listening(serve) as port:
        report = await run(
            {"mode": mode, "port": port, "path": "/x", "connections": 3, "requests": 20, "rate": 2000, "timeout_s": 10}
        )
    assert heard == {b"/x": 20}
    assert report["statuses"] == {200: 19, 503: 1}
    assert len(report["latencies_s"]) == 20
    assert report["p50_s"] <= report["p99_s"] <= report["max_s"]


async def test_a_server_that_leaves_ends_the_request() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)

    async with _listening(leave) as port, asyncio.timeout(10):
        with pytest.raises(ConnectionError):
            await run({"mode": "closed", "port": port, "path": "/x", "requests": 1})


def test_the_kernel_tells_what_a_process_used() -> None:
    before = cpu_s(os.getpid())
    while cpu_s(os.getpid()) == before:
        sum(range(100_000))
    now_mb, most_mb = resident_mb(os.getpid())
    assert 1 < now_mb <= most_mb


@asynccontextmanager
async def _listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """The port of a server whose every connection is closed, and over, at the end."""
    serving: set[asyncio.Task[None] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server, asyncio.timeout(20):
        yield int(server.sockets[0].getsockname()[1])
        await asyncio.gather(*(task for task in serving if task is not None))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
