"""The cache on disk: it lasts, and whatever happens to its file, nobody hears an exception."""

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest

from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, EvictionReason, Lookup
from service.cache.sqlite import SqliteCache
from tests.fakes.clock import ManualClock

PLAIN = CacheControl()
KEY = CacheKey("a" * 64, "f" * 64)
CHANGED = CacheKey("b" * 64, "f" * 64)


def opened(path: Path, clock: ManualClock) -> SqliteCache:
    return SqliteCache(CacheName.ANSWER, path, 100, 1 << 20, clock)


def entry(clock: ManualClock, size: int = 10) -> CacheEntry:
    return CacheEntry(bytes(size), clock.time(), 100.0, 2.0, "trace", "span")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


@pytest.fixture
def text_file(path: Path) -> Path:
    path.write_bytes(b"this was a cache once" * 500)
    return path


def aside_of(path: Path) -> bytes:
    return path.with_name("answers.sqlite.corrupt").read_bytes()


async def test_hits_survive_a_restart(path: Path) -> None:
    clock = ManualClock()
    first = opened(path, clock)
    stored = entry(clock)
    await first.store(KEY, stored, PLAIN)
    await first.close()
    later = ManualClock(monotonic=1.0, time=clock.time() + 30)
    second = opened(path, later)
    assert second.stats().entries == 1
    found = await second.lookup((KEY,), PLAIN)
    assert found.entry == stored
    assert found.age_s == pytest.approx(30)
    assert (await second.lookup((CHANGED,), PLAIN)).result is CacheResult.INVALIDATED
    await second.close()


def overwrite(path: Path, keep: int) -> None:
    """Ruin everything after the first `keep` bytes."""
    size = path.stat().st_size
    assert size > keep
    with path.open("r+b") as file:
        file.seek(keep)
        file.write(b"\xff" * (size - keep))


async def test_a_corrupt_file_is_set_aside_and_begun_anew(text_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = text_file
    clock = ManualClock()
    cache = opened(path, clock)
    assert aside_of(path).startswith(b"this was a cache once")
    assert "corrupt" in caplog.text
    assert await cache.store(KEY, entry(clock), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT
    await cache.close()


async def test_a_file_that_becomes_corrupt_costs_one_degraded_miss(path: Path) -> None:
    clock = ManualClock()
    cache = opened(path, clock)
    for number in range(50):
        await cache.store(CacheKey(f"{number:064}", f"f{number}"), entry(clock, 4000), PLAIN)
    await cache.close()
    overwrite(path, keep=4096)
    cache = opened(path, clock)
    results = [await cache.lookup((CacheKey(f"{number:064}", f"f{number}"),), PLAIN) for number in range(50)]
    assert len(aside_of(path)) > 100_000
    assert sum(found.degraded for found in results) <= 1
    assert not any(found.entry for found in results)
    assert await cache.store(KEY, entry(clock), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT
    await cache.close()


async def test_a_locked_file_is_left_alone_then_tried_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    cache = opened(path, clock)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.INFO):
        # The first one waits for the lock, and those behind it do not: together they would wait ten seconds.
        async with asyncio.timeout(5):
            kept = await asyncio.gather(*(cache.store(KEY, entry(clock), PLAIN) for _ in range(40)))
        assert not any(kept)
        assert await cache.lookup((KEY,), PLAIN) == Lookup(CacheResult.MISS, degraded=True)
        holder.execute("ROLLBACK")
        holder.close()
        clock.advance(2)
        assert await cache.store(KEY, entry(clock), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT
    assert [record.getMessage().rpartition(":")[0] or record.getMessage() for record in caplog.records] == [
        "the answer cache on disk is away, answers are kept in memory only",
        "the answer cache on disk is back",
    ]
    await cache.close()


async def test_a_full_disk_keeps_nothing_and_loses_nothing(path: Path) -> None:
    clock = ManualClock()
    cache = opened(path, clock)
    await cache.store(KEY, entry(clock), PLAIN)
    database = cache._table._db
    assert database is not None
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count={pages}")
    assert not await cache.store(CHANGED, entry(clock, 100_000), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).degraded
    clock.advance(2)
    assert (await cache.lookup((KEY,), PLAIN)).result is CacheResult.HIT
    database.execute("PRAGMA max_page_count=100000")
    assert await cache.store(CHANGED, entry(clock, 100_000), PLAIN)
    assert cache.stats().entries == 2
    await cache.close()


async def test_no_place_for_the_file_is_a_degraded_miss(tmp_path: Path) -> None:
    clock = ManualClock()
    (tmp_path / "file").write_text("not a folder")
    for path in (tmp_path / "file" / "cache.sqlite", tmp_path):
        cache = opened(path, clock)
        assert not await cache.store(KEY, entry(clock), PLAIN)
        assert await cache.lookup((KEY,), PLAIN) == Lookup(CacheResult.MISS, degraded=True)
        assert await cache.clear() == 0
        assert cache.stats().entries == 0
        await cache.close()


async def test_a_closed_cache_is_a_degraded_miss(path: Path) -> None:
    clock = ManualClock()
    cache = opened(path, clock)
    await cache.close()
    await cache.close()
    assert not await cache.store(KEY, entry(clock), PLAIN)
    assert (await cache.lookup((KEY,), PLAIN)).degraded


async def test_evictions_are_counted(path: Path) -> None:
    clock = ManualClock()
    cache = SqliteCache(CacheName.ANSWER, path, 1, 1 << 20, clock)
    await cache.store(KEY, entry(clock), PLAIN)
    await cache.store(CHANGED, entry(clock), PLAIN)
    assert cache.stats().evictions[EvictionReason.ENTRIES] == 1
    await cache.close()


async def test_logs_hold_no_content(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    cache = opened(path, clock)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    canary = CacheEntry(b"canary-7f3a", clock.time(), 100.0)
    assert not await cache.store(CacheKey("canary-7f3a", "canary-7f3a"), canary, PLAIN)
    holder.close()
    assert caplog.records
    assert "canary" not in caplog.text
    await cache.close()
