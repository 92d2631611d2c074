"""A server that is away, silent or odd. How it works with a real one is in the contract."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, Lookup
from service.cache.valkey import ValkeyCache
from tests.fakes.clock import ManualClock

PLAIN = CacheControl()
KEY = CacheKey("a", "f")
AWAY = Lookup(CacheResult.MISS, degraded=True)


class OddServer:
    """Accepts connections and says `reply` to whatever comes, or nothing."""

    def __init__(self, reply: bytes = b"") -> None:
        self.reply = reply
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        while await reader.read(4096):
            writer.write(self.reply)


@pytest.fixture
async def server() -> AsyncIterator[OddServer]:
    made = OddServer()
    await made.start()
    yield made
    await made.stop()


async def test_a_server_that_is_away_is_a_degraded_miss(server: OddServer, caplog: pytest.LogCaptureFixture) -> None:
    await server.stop()
    clock = ManualClock()
    cache = ValkeyCache(CacheName.ANSWER, server.url, 10, clock)
    assert await cache.lookup((KEY,), PLAIN) == AWAY
    clock.advance(2)
    assert not await cache.store(KEY, CacheEntry(b"canary-7f3a", clock.time(), 10), PLAIN)
    assert await cache.clear() == 0
    await cache.close()
    assert [record.getMessage() for record in caplog.records] == ["the answer cache server is away: ConnectionError"]


async def test_a_silent_server_is_given_up_soon_and_left_alone_for_a_while(server: OddServer) -> None:
    clock = ManualClock()
    cache = ValkeyCache(CacheName.ANSWER, server.url, 10, clock)
    async with asyncio.timeout(5):
        assert await cache.lookup((KEY,), PLAIN) == AWAY
        tried = server.connections
        assert tried > 0
        for _ in range(100):
            assert await cache.lookup((KEY,), PLAIN) == AWAY
        assert server.connections == tried
        clock.advance(2)
        assert await cache.lookup((KEY,), PLAIN) == AWAY
        assert server.connections > tried
    await cache.close()


async def test_a_server_that_speaks_something_else_is_a_degraded_miss(server: OddServer) -> None:
    server.reply = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    cache = ValkeyCache(CacheName.ANSWER, server.url, 10, ManualClock())
    async with asyncio.timeout(5):
        assert await cache.lookup((KEY,), PLAIN) == AWAY
    assert server.connections > 0
    await cache.close()


async def test_a_bypass_needs_no_server(server: OddServer) -> None:
    cache = ValkeyCache(CacheName.ANSWER, server.url, 10, ManualClock())
    assert await cache.lookup((KEY,), CacheControl(no_cache=True)) == Lookup(CacheResult.BYPASS)
    assert not await cache.store(KEY, CacheEntry(b"", 0, 10), CacheControl(no_store=True))
    assert server.connections == 0
    await cache.close()
