"""What only the cache in memory promises; the rest is in the contract."""

from hypothesis import given
from hypothesis import strategies as st

from service.cache.memory import MemoryCache
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, EvictionReason
from tests.fakes.clock import ManualClock

PLAIN = CacheControl()
KEY = CacheKey("k", "f")


def entry(clock: ManualClock, size: int = 10, ttl_s: float = 100.0) -> CacheEntry:
    return CacheEntry(bytes(size), clock.time(), ttl_s)


async def test_setting_the_wall_clock_ages_nothing() -> None:
    clock = ManualClock()
    cache = MemoryCache(CacheName.ANSWER, 10, 10_000, clock)
    await cache.store(KEY, entry(clock), PLAIN)
    for jump in (+1e9, -2e9):
        clock.set_time(clock.time() + jump)
        found = await cache.lookup((KEY,), PLAIN)
        assert (found.result, found.age_s) == (CacheResult.HIT, 0.0)
    clock.advance(101)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.EXPIRED


async def test_an_expired_entry_makes_room_as_expired() -> None:
    clock = ManualClock()
    cache = MemoryCache(CacheName.ANSWER, 1, 10_000, clock)
    await cache.store(KEY, entry(clock, ttl_s=5), PLAIN)
    clock.advance(6)
    await cache.store(CacheKey("other", "g"), entry(clock), PLAIN)
    evictions = cache.stats().evictions
    assert (evictions[EvictionReason.EXPIRED], evictions[EvictionReason.ENTRIES]) == (1, 0)


async def test_an_expired_entry_is_dropped_when_seen() -> None:
    clock = ManualClock()
    cache = MemoryCache(CacheName.ANSWER, 10, 10_000, clock)
    await cache.store(KEY, entry(clock, ttl_s=5), PLAIN)
    clock.advance(6)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.EXPIRED
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.MISS
    assert (cache.stats().entries, cache.stats().size_bytes) == (0, 0)
    assert cache.stats().evictions[EvictionReason.EXPIRED] == 1


async def test_refill_keeps_the_age_it_is_told() -> None:
    clock = ManualClock()
    cache = MemoryCache(CacheName.ANSWER, 10, 10_000, clock)
    assert cache.refill(KEY, CacheEntry(b"", clock.time() - 1e6, 100.0), age_s=40.0)
    assert (await cache.lookup((KEY,), PLAIN)).age_s == 40.0
    assert not cache.refill(KEY, CacheEntry(b"", clock.time(), 100.0), age_s=100.0)


async def test_no_room_at_all_keeps_nothing() -> None:
    clock = ManualClock()
    assert not await MemoryCache(CacheName.ANSWER, 0, 10_000, clock).store(KEY, entry(clock), PLAIN)
    assert not await MemoryCache(CacheName.ANSWER, 10, 0, clock).store(KEY, entry(clock), PLAIN)


operations = st.lists(
    st.tuples(st.sampled_from(["store", "lookup", "wait", "clear"]), st.integers(0, 6), st.integers(0, 900)),
    max_size=40,
)


@given(operations)
async def test_whatever_happens_the_books_balance(steps: list[tuple[str, int, int]]) -> None:
    clock = ManualClock()
    cache = MemoryCache(CacheName.ANSWER, 3, 4000, clock)
    stored = replaced = 0
    for what, number, amount in steps:
        key = CacheKey(f"digest {number}", f"family {number % 3}")
        if what == "store":
            before = cache.stats()
            there = key.digest in cache._slots
            stored += await cache.store(key, entry(clock, amount, ttl_s=60.0), PLAIN)
            replaced += there
            assert before.max_bytes == 4000
        elif what == "lookup":
            await cache.lookup((key,), PLAIN)
        elif what == "wait":
            clock.advance(amount / 20)
        else:
            await cache.clear()
        stats = cache.stats()
        assert stats.entries <= 3
        assert stats.size_bytes <= 4000
        assert (stats.size_bytes == 0) == (stats.entries == 0)
        assert stored - replaced - sum(stats.evictions.values()) == stats.entries
        assert set(cache._latest.values()) <= set(cache._slots)
