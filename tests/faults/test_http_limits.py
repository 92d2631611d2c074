"""Hostile and broken HTTP against a real server: refused early, without memory, and without disturbing anybody else."""

import asyncio
import resource
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest

from service.services import HttpLimits
from tests.fakes.services import SCRIPT, FakeServices
from tests.serving import WAIT_S, Serving, serving, until

QUESTION = {"query": "What is momentum?"}
MIB = 1 << 20
LIMITS = HttpLimits(max_body_bytes=MIB, max_file_bytes=2 * MIB, body_timeout_s=0.3)


class Endless:
    """A body of `size` bytes in pieces; `sent` says how much of it was fetched."""

    def __init__(self, size: int, head: bytes = b"") -> None:
        self._size = size
        self._head = head
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._head
        piece = b"x" * 65_536
        while self.sent < self._size:
            self.sent += len(piece)
            yield piece


def memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("path", ["/ask", "/v1/chat/completions"])
async def test_200_mb_of_json_is_refused_without_memory(path: str, announced: bool) -> None:
    fakes = FakeServices(limits=LIMITS)
    body = Endless(200 * MIB, b'{"query": "')
    headers = {"content-length": str(200 * MIB + 11)} if announced else {}
    async with serving(fakes) as served, httpx.AsyncClient(timeout=WAIT_S) as client:
        before = memory_mib()
        tracemalloc.start()
        try:
            reply = await client.post(served.url + path, content=body, headers=headers)
            peak_mib = tracemalloc.get_traced_memory()[1] / MIB
        finally:
            tracemalloc.stop()
        assert (await client.post(served.url + "/ask", json=QUESTION)).status_code == 200
    assert (reply.status_code, reply.json()["kind"]) == (413, "too_large")
    assert reply.headers["connection"] == "close"
    assert peak_mib < 32
    assert memory_mib() - before < 64
    assert body.sent > 0


async def test_a_300_mb_upload_is_refused_without_a_spool() -> None:
    fakes = FakeServices(limits=LIMITS)
    head = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=XX"}
    async with serving(fakes) as served, httpx.AsyncClient(timeout=WAIT_S) as client:
        tracemalloc.start()
        try:
            reply = await client.post(served.url + "/documents", content=Endless(300 * MIB, head), headers=headers)
            peak_mib = tracemalloc.get_traced_memory()[1] / MIB
        finally:
            tracemalloc.stop()
    assert (reply.status_code, reply.json()["kind"]) == (413, "too_large")
    assert peak_mib < 32
    assert not fakes.corpus.calls


async def test_an_upload_just_below_the_limit_passes() -> None:
    fakes = FakeServices(limits=LIMITS)
    async with serving(fakes) as served, httpx.AsyncClient(timeout=WAIT_S) as client:
        reply = await client.post(served.url + "/documents", files={"file": ("a.md", b"words " * 340_000)})
    assert reply.status_code == 201


@pytest.mark.parametrize("path", ["/ask", "/documents"])
async def test_a_packed_body_is_refused(path: str) -> None:
    fakes = FakeServices()
    headers = {"content-encoding": "gzip", "content-type": "multipart/form-data; boundary=XX"}
    async with serving(fakes) as served, httpx.AsyncClient(timeout=WAIT_S) as client:
        reply = await client.post(served.url + path, content=b"\x1f\x8b" + b"x" * 100, headers=headers)
    assert (reply.status_code, reply.json()["kind"]) == (400, "bad_request")


async def test_ten_thousand_fields_are_refused() -> None:
    part = '--XX\r\nContent-Disposition: form-data; name="f{}"\r\n\r\nv\r\n'
    body = "".join(part.format(number) for number in range(10_000)).encode() + b"--XX--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=XX"}
    async with serving(FakeServices()) as served, httpx.AsyncClient(timeout=WAIT_S) as client:
        reply = await client.post(served.url + "/documents", content=body, headers=headers)
    assert (reply.status_code, reply.json()["kind"]) == (400, "bad_request")


async def drip(served: Serving, path: str, stack: AsyncExitStack) -> asyncio.StreamReader:
    """A request whose body never ends; what it is answered can be read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    stack.callback(writer.close)
    writer.write(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{" % path.encode())
    return reader


async def test_slow_bodies_and_half_open_heads_disturb_nobody_and_are_cut() -> None:
    fakes = FakeServices(limits=LIMITS)
    async with serving(fakes) as served, AsyncExitStack() as stack:
        slow = [await drip(served, "/ask", stack) for _ in range(50)]
        for _ in range(200):
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            stack.callback(writer.close)
            writer.write(b"POST /ask HTTP/1.1\r\nHost: local")
        async with httpx.AsyncClient(timeout=WAIT_S) as client:
            for _ in range(20):
                assert (await client.post(served.url + "/ask", json=QUESTION)).status_code == 200
        async with asyncio.timeout(WAIT_S):
            replies = [await reader.readuntil(b"\r\n") for reader in slow]
    assert set(replies) == {b"HTTP/1.1 400 Bad Request\r\n"}
    assert len(fakes.asker.questions) == 20


async def test_a_body_that_breaks_off_is_no_question() -> None:
    fakes = FakeServices()
    async with serving(fakes) as served:
        async with AsyncExitStack() as stack:
            await drip(served, "/ask", stack)
        async with httpx.AsyncClient(timeout=WAIT_S) as client:
            assert (await client.post(served.url + "/ask", json=QUESTION)).status_code == 200
    assert len(fakes.asker.questions) == 1


@pytest.mark.parametrize("path", ["/ask", "/v1/chat/completions"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_work(path: str, stream: bool) -> None:
    fakes = FakeServices()
    fakes.asker.script = list(SCRIPT[:2])
    fakes.asker.hang_at_end = True
    chat = {"messages": [{"role": "user", "content": "What is momentum?"}]}
    body = (QUESTION if path == "/ask" else chat) | {"stream": stream}
    async with serving(fakes) as served, httpx.AsyncClient(timeout=WAIT_S) as client:
        leaving = [asyncio.create_task(client.post(served.url + path, json=body)) for _ in range(25)]
        await until(lambda: len(fakes.asker.questions) == 25)
        assert fakes.asker.closed == 0
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        await until(lambda: fakes.asker.closed == 25)


async def test_a_reader_that_stops_reading_does_not_hold_the_work() -> None:
    fakes = FakeServices()
    fakes.asker.script = [SCRIPT[0], *[SCRIPT[1]] * 20_000, SCRIPT[-1]]
    body = b'{"query": "x", "stream": true}'
    async with serving(fakes) as served, AsyncExitStack() as stack:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        stack.callback(writer.close)
        writer.write(b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await until(lambda: fakes.asker.closed == 1)
