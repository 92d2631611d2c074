"""What every cache must do, the fake included. Valkey is tested where a server binary is found."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.cache.memory import MemoryCache
from service.cache.null import NullCache
from service.cache.port import Cache, CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, EvictionReason
from service.cache.sqlite import SqliteCache
from service.cache.tiered import TieredCache
from service.cache.valkey import ValkeyCache
from tests.components.fixtures import absent
from tests.contract import valkey_server
from tests.fakes.cache import FakeCache
from tests.fakes.clock import ManualClock

KEY = CacheKey("a" * 64, "f" * 64)
CHANGED = CacheKey("b" * 64, "f" * 64)
OTHER = CacheKey("c" * 64, "e" * 64)
PLAIN = CacheControl()
MAX_ENTRIES = 4
MAX_BYTES = 20_000
NAME = CacheName.PROMPT


@pytest.fixture(scope="module")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = valkey_server.binary()
    if program is None:
        absent(valkey_server.HOW_TO_GET)
    with valkey_server.running(program, tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def make(kind: str, request: pytest.FixtureRequest, clock: ManualClock, folder: Path) -> Cache:
    if kind == "memory":
        return MemoryCache(NAME, MAX_ENTRIES, MAX_BYTES, clock)
    if kind == "sqlite":
        return SqliteCache(NAME, folder / "cache.sqlite", MAX_ENTRIES, MAX_BYTES, clock)
    if kind == "tiered":
        memory = MemoryCache(NAME, MAX_ENTRIES, MAX_BYTES, clock)
        return TieredCache(memory, SqliteCache(NAME, folder / "cache.sqlite", MAX_ENTRIES, MAX_BYTES, clock), clock)
    if kind == "valkey":
        url = request.getfixturevalue("valkey_url")
        # Patient: what is asked here is what it answers, not how busy the machine is.
        return ValkeyCache(NAME, url, MAX_ENTRIES, clock, prefix=uuid.uuid4().hex, patience_s=20)
    return FakeCache(NAME, clock, max_entries=MAX_ENTRIES, max_bytes=MAX_BYTES)


@pytest.fixture(params=["memory", "sqlite", "tiered", "fake", pytest.param("valkey", marks=pytest.mark.real)])
async def cache(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Cache]:
    made = make(request.param, request, clock, tmp_path)
    yield made
    await made.close()


def entry(clock: ManualClock, payload: bytes = b'{"text":"an answer"}', ttl_s: float = 100.0) -> CacheEntry:
    return CacheEntry(payload, clock.time(), ttl_s, 2.5, "t" * 32, "s" * 16)


def key(number: int) -> CacheKey:
    return CacheKey(f"{number:064x}", f"{number + (1 << 64):064x}")


async def result(cache: Cache, *keys: CacheKey, control: CacheControl = PLAIN) -> CacheResult:
    found = await cache.lookup(keys, control)
    assert (found.entry is not None) == (found.result is CacheResult.HIT)
    assert not found.degraded
    return found.result


async def test_has_the_name_it_was_given(cache: Cache) -> None:
    assert cache.name is NAME


async def test_gives_back_what_was_stored_and_its_age(cache: Cache, clock: ManualClock) -> None:
    stored = entry(clock, payload=bytes(range(256)) + "größer\n".encode())
    assert await cache.store(KEY, stored, PLAIN)
    clock.advance(40)
    found = await cache.lookup((KEY,), PLAIN)
    assert found.entry == stored
    assert found.age_s == pytest.approx(40)


async def test_an_empty_cache_misses(cache: Cache) -> None:
    assert await result(cache, KEY) is CacheResult.MISS
    assert await result(cache) is CacheResult.MISS


async def test_the_best_key_that_is_there_wins(cache: Cache, clock: ManualClock) -> None:
    await cache.store(OTHER, entry(clock, b"other"), PLAIN)
    assert await result(cache, KEY, OTHER) is CacheResult.HIT
    await cache.store(KEY, entry(clock, b"best"), PLAIN)
    found = await cache.lookup((KEY, OTHER), PLAIN)
    assert found.entry is not None
    assert found.entry.payload == b"best"


async def test_an_entry_that_has_outlived_its_time_is_expired_not_missing(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock, ttl_s=10), PLAIN)
    clock.advance(9.9)
    assert await result(cache, KEY) is CacheResult.HIT
    clock.advance(0.2)
    assert await result(cache, KEY) is CacheResult.EXPIRED


async def test_another_digest_of_a_known_family_is_invalidated(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock, ttl_s=10), PLAIN)
    assert await result(cache, CHANGED) is CacheResult.INVALIDATED
    assert await result(cache, OTHER) is CacheResult.MISS
    clock.advance(11)
    assert await result(cache, CHANGED) is CacheResult.MISS


async def test_a_request_can_refuse_to_read_but_still_store(cache: Cache, clock: ManualClock) -> None:
    no_cache = CacheControl(no_cache=True)
    assert await cache.store(KEY, entry(clock), no_cache)
    assert await result(cache, KEY, control=no_cache) is CacheResult.BYPASS
    assert await result(cache, KEY) is CacheResult.HIT


async def test_a_request_can_refuse_to_store(cache: Cache, clock: ManualClock) -> None:
    assert not await cache.store(KEY, entry(clock), CacheControl(no_store=True))
    assert await result(cache, KEY) is CacheResult.MISS


async def test_a_request_can_shorten_the_time_to_live_but_not_lengthen_it(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock, ttl_s=10), CacheControl(ttl_s=5))
    await cache.store(OTHER, entry(clock, ttl_s=10), CacheControl(ttl_s=500))
    clock.advance(4)
    assert await result(cache, KEY) is CacheResult.HIT
    clock.advance(2)
    assert await result(cache, KEY) is CacheResult.EXPIRED
    assert await result(cache, OTHER) is CacheResult.HIT
    clock.advance(5)
    assert await result(cache, OTHER) is CacheResult.EXPIRED


async def test_nothing_is_kept_for_no_time(cache: Cache, clock: ManualClock) -> None:
    assert not await cache.store(KEY, entry(clock), CacheControl(ttl_s=0))
    assert not await cache.store(KEY, entry(clock, ttl_s=0), PLAIN)
    old = replace(entry(clock, ttl_s=10), created_at=clock.time() - 11)
    assert not await cache.store(KEY, old, PLAIN)
    assert await result(cache, KEY) is CacheResult.MISS


async def test_a_request_can_want_a_younger_entry_and_leaves_it_for_others(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock), PLAIN)
    clock.advance(20)
    assert await result(cache, KEY, control=CacheControl(s_maxage_s=19)) is CacheResult.EXPIRED
    assert await result(cache, KEY, control=CacheControl(s_maxage_s=21)) is CacheResult.HIT
    assert await result(cache, KEY) is CacheResult.HIT


async def test_storing_again_replaces(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock, b"first"), PLAIN)
    before = cache.stats()
    clock.advance(5)
    await cache.store(KEY, entry(clock, b"again"), PLAIN)
    found = await cache.lookup((KEY,), PLAIN)
    assert found.entry is not None
    assert found.entry.payload == b"again"
    assert found.age_s == pytest.approx(0)
    assert (cache.stats().entries, cache.stats().size_bytes) == (before.entries, before.size_bytes)


async def test_the_number_of_entries_is_bounded(cache: Cache, clock: ManualClock) -> None:
    for number in range(MAX_ENTRIES + 3):
        assert await cache.store(key(number), entry(clock), PLAIN)
        clock.advance(1)
    stats = cache.stats()
    assert (stats.entries, stats.max_entries) == (MAX_ENTRIES, MAX_ENTRIES)
    assert stats.evictions[EvictionReason.ENTRIES] == 3
    assert [await result(cache, key(number)) for number in (2, 3)] == [CacheResult.MISS, CacheResult.HIT]


async def test_the_least_recently_used_goes_first(cache: Cache, clock: ManualClock) -> None:
    if isinstance(cache, ValkeyCache):
        pytest.skip("evicts what ends soonest")
    for number in range(MAX_ENTRIES):
        await cache.store(key(number), entry(clock), PLAIN)
    assert await result(cache, key(0)) is CacheResult.HIT
    await cache.store(OTHER, entry(clock), PLAIN)
    assert await result(cache, key(0)) is CacheResult.HIT
    assert await result(cache, key(1)) is CacheResult.MISS


async def test_the_bytes_are_bounded(cache: Cache, clock: ManualClock) -> None:
    if isinstance(cache, ValkeyCache):
        pytest.skip("the server's maxmemory bounds bytes")
    assert not await cache.store(KEY, entry(clock, bytes(MAX_BYTES)), PLAIN)
    for number in range(3):
        assert await cache.store(key(number), entry(clock, bytes(MAX_BYTES // 3)), PLAIN)
        assert cache.stats().size_bytes <= MAX_BYTES
    stats = cache.stats()
    assert stats.max_bytes == MAX_BYTES
    assert (stats.entries, stats.evictions[EvictionReason.BYTES]) == (2, 1)
    assert stats.size_bytes > 2 * MAX_BYTES // 3


async def test_clear_drops_everything_and_says_how_much(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock), PLAIN)
    await cache.store(OTHER, entry(clock), PLAIN)
    assert await cache.clear() == 2
    assert await cache.clear() == 0
    assert [await result(cache, KEY), await result(cache, CHANGED)] == [CacheResult.MISS, CacheResult.MISS]
    stats = cache.stats()
    assert (stats.entries, stats.size_bytes, stats.evictions[EvictionReason.CLEARED]) == (0, 0, 2)


async def test_every_lookup_is_counted_once_and_hits_sum_what_they_saved(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock, ttl_s=10), PLAIN)
    for wanted in (KEY, KEY, OTHER, CHANGED):
        await cache.lookup((wanted,), PLAIN)
    await cache.lookup((KEY,), CacheControl(no_cache=True))
    clock.advance(11)
    await cache.lookup((KEY,), PLAIN)
    counted = cache.stats().results
    assert {kind: counted[kind] for kind in CacheResult} == {
        CacheResult.HIT: 2, CacheResult.MISS: 1, CacheResult.EXPIRED: 1, CacheResult.INVALIDATED: 1,
        CacheResult.BYPASS: 1, CacheResult.COALESCED: 0,
    }  # fmt: skip
    assert cache.stats().saved_s == pytest.approx(5.0)


async def test_many_at_once_disturb_nobody(cache: Cache, clock: ManualClock) -> None:
    async def turn(number: int) -> None:
        await cache.store(key(number % 3), entry(clock, str(number % 3).encode()), PLAIN)
        found = await cache.lookup((key(number % 3),), PLAIN)
        assert found.entry is not None
        assert found.entry.payload == str(number % 3).encode()

    await asyncio.gather(*(turn(number) for number in range(60)))
    assert cache.stats().entries == 3


async def test_the_wall_clock_can_be_set_back_without_harm(cache: Cache, clock: ManualClock) -> None:
    await cache.store(KEY, entry(clock, ttl_s=100), PLAIN)
    clock.set_time(clock.time() - 86_400)
    found = await cache.lookup((KEY,), PLAIN)
    assert found.result is CacheResult.HIT
    assert found.age_s == pytest.approx(0)


@pytest.mark.real
async def test_a_valkey_server_may_go_and_come_back(clock: ManualClock, tmp_path: Path) -> None:
    program = valkey_server.binary()
    if program is None:
        absent(valkey_server.HOW_TO_GET)
    port = valkey_server.free_port()
    with valkey_server.running(program, tmp_path, port) as url:
        cache = ValkeyCache(NAME, url, MAX_ENTRIES, clock)
        assert await cache.store(KEY, entry(clock), PLAIN)
        assert await result(cache, KEY) is CacheResult.HIT
    assert (await cache.lookup((KEY,), PLAIN)).degraded
    with valkey_server.running(program, tmp_path, port):
        clock.advance(2)
        assert await result(cache, KEY) is CacheResult.MISS
        assert await cache.store(KEY, entry(clock), PLAIN)
        assert await result(cache, KEY) is CacheResult.HIT
        await cache.close()


async def test_no_cache_at_all_finds_and_keeps_nothing(clock: ManualClock) -> None:
    cache: Cache = NullCache(NAME)
    assert not await cache.store(KEY, entry(clock), PLAIN)
    assert await result(cache, KEY) is CacheResult.MISS
    assert await result(cache, KEY, control=CacheControl(no_cache=True)) is CacheResult.BYPASS
    assert await cache.clear() == 0
    stats = cache.stats()
    assert (cache.name, stats.entries, stats.results[CacheResult.MISS]) == (NAME, 0, 1)
    await cache.close()
