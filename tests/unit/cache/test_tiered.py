"""Two stores as one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.cache.memory import MemoryCache
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, EvictionReason
from service.cache.sqlite import SqliteCache
from service.cache.tiered import TieredCache
from tests.fakes.cache import FakeCache
from tests.fakes.clock import ManualClock

PLAIN = CacheControl()
KEY = CacheKey("a", "f")
OTHER = CacheKey("b", "g")


class LastingFake(FakeCache):
    """A fake that also writes down which entries it was told of."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(CacheName.ANSWER, clock)
        self.touched: list[CacheKey] = []

    def touch(self, key: CacheKey) -> None:
        self.touched.append(key)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def lasting(clock: ManualClock) -> LastingFake:
    return LastingFake(clock)


@pytest.fixture
def memory(clock: ManualClock) -> MemoryCache:
    return MemoryCache(CacheName.ANSWER, 2, 1 << 20, clock)


@pytest.fixture
async def cache(memory: MemoryCache, lasting: LastingFake, clock: ManualClock) -> AsyncIterator[TieredCache]:
    made = TieredCache(memory, lasting, clock)
    yield made
    await made.close()
    assert lasting.closed


def entry(clock: ManualClock, payload: bytes = b"x", ttl_s: float = 100.0) -> CacheEntry:
    return CacheEntry(payload, clock.time(), ttl_s, cost_s=3.0)


async def test_a_hit_in_memory_does_not_ask_the_store_but_tells_it(
    cache: TieredCache, lasting: LastingFake, clock: ManualClock
) -> None:
    await cache.store(KEY, entry(clock), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT
    assert lasting.lookups == []
    assert lasting.touched == [KEY]


async def test_a_hit_in_the_store_refills_memory_with_its_age(
    cache: TieredCache, lasting: LastingFake, clock: ManualClock
) -> None:
    await lasting.store(KEY, entry(clock), PLAIN)
    clock.advance(30)
    assert (await cache.lookup((KEY,), PLAIN)).age_s == 30
    clock.advance(5)
    assert (await cache.lookup((KEY,), PLAIN)).age_s == 35
    assert len(lasting.lookups) == 1
    assert cache.stats().saved_s == 6.0


async def test_a_shortened_time_to_live_holds_after_a_refill(tmp_path: Path, clock: ManualClock) -> None:
    disk = SqliteCache(CacheName.ANSWER, tmp_path / "c.sqlite", 10, 1 << 20, clock)
    await disk.store(KEY, entry(clock, ttl_s=100), CacheControl(ttl_s=5))
    cache = TieredCache(MemoryCache(CacheName.ANSWER, 10, 1 << 20, clock), disk, clock)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT
    clock.advance(6)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.EXPIRED
    await cache.close()


async def test_the_best_key_wins_even_when_memory_only_has_the_second(
    cache: TieredCache, memory: MemoryCache, lasting: LastingFake, clock: ManualClock
) -> None:
    await memory.store(OTHER, entry(clock, b"second"), PLAIN)
    await lasting.store(KEY, entry(clock, b"best"), PLAIN)
    found = await cache.lookup((KEY, OTHER), PLAIN)
    assert found.entry is not None
    assert found.entry.payload == b"best"


async def test_a_store_that_is_away_shows_and_memory_goes_on(
    cache: TieredCache, lasting: LastingFake, clock: ManualClock
) -> None:
    lasting.broken = True
    assert (await cache.lookup((KEY,), PLAIN)).degraded
    assert await cache.store(KEY, entry(clock), PLAIN)
    found = await cache.lookup((KEY,), PLAIN)
    assert (found.result, found.degraded) == (CacheResult.HIT, False)
    second = await cache.lookup((OTHER, KEY), PLAIN)
    assert (second.result, second.degraded) == (CacheResult.HIT, True)
    assert cache.stats().entries == 1


async def test_the_clearer_reason_is_told(cache: TieredCache, memory: MemoryCache, lasting: LastingFake) -> None:
    clock = ManualClock()
    await lasting.store(CacheKey("old", "f"), entry(clock), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.INVALIDATED
    assert (await cache.lookup((OTHER, KEY), PLAIN)).result is CacheResult.INVALIDATED
    assert (await cache.lookup((OTHER,), PLAIN)).result is CacheResult.MISS


async def test_nothing_is_counted_twice(cache: TieredCache, lasting: LastingFake, clock: ManualClock) -> None:
    for number in range(4):
        await cache.store(CacheKey(str(number), str(number)), entry(clock), PLAIN)
    for number in range(4):
        await cache.lookup((CacheKey(str(number), str(number)),), PLAIN)
    stats = cache.stats()
    assert sum(stats.results.values()) == stats.results[CacheResult.HIT] == 4
    assert stats.entries == 4
    assert stats.size_bytes == lasting.stats().size_bytes
    assert await cache.clear() == 4
    assert cache.stats().evictions[EvictionReason.CLEARED] == 4


async def test_what_the_store_lacks_is_not_asked_for_again_at_once(
    cache: TieredCache, lasting: LastingFake, clock: ManualClock
) -> None:
    await cache.store(OTHER, entry(clock), PLAIN)
    for _ in range(3):
        assert (await cache.lookup((KEY, OTHER), PLAIN)).result is CacheResult.HIT
    assert [keys for keys, _ in lasting.lookups] == [(KEY,)]
    clock.advance(1.0)
    await cache.lookup((KEY, OTHER), PLAIN)
    assert len(lasting.lookups) == 2


async def test_what_is_stored_is_found_at_once_also_where_it_was_missing(
    cache: TieredCache, memory: MemoryCache, clock: ManualClock
) -> None:
    assert (await cache.lookup((KEY,), PLAIN)).entry is None
    await cache.store(KEY, entry(clock), PLAIN)
    await memory.clear()
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT


async def test_a_store_that_fails_is_asked_again(cache: TieredCache, lasting: LastingFake, clock: ManualClock) -> None:
    lasting.broken = True
    assert (await cache.lookup((KEY,), PLAIN)).degraded
    lasting.broken = False
    assert not (await cache.lookup((KEY,), PLAIN)).degraded
    assert len(lasting.lookups) == 2
