"""The rows in the file: limits, other processes, clocks, damage."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cache.entry_table import EntryTable
from service.cache.freshness import ENTRY_OVERHEAD_BYTES
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheResult, EvictionReason
from tests.fakes.clock import ManualClock

PLAIN = CacheControl()
MAX_BYTES = 1_000_000


def key(number: int, family: str = "f") -> CacheKey:
    return CacheKey(f"d{number}", f"{family}{number}")


def entry(size: int = 10, ttl_s: float = 100.0) -> CacheEntry:
    return CacheEntry(bytes(size), 1_700_000_000.0, ttl_s)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def table(tmp_path: Path, clock: ManualClock) -> Iterator[EntryTable]:
    made = EntryTable(tmp_path / "folder" / "cache.sqlite", 3, MAX_BYTES, clock)
    yield made
    made.close()


def test_the_file_is_for_its_owner_alone(table: EntryTable) -> None:
    table.put(key(1), entry(), 0)
    files = sorted(table.path.parent.iterdir())
    assert [file.name for file in files] == ["cache.sqlite", "cache.sqlite-shm", "cache.sqlite-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(table.path.parent.stat().st_mode) == 0o700


def test_it_writes_ahead_and_syncs_normally(table: EntryTable) -> None:
    table.open()
    assert table._db is not None
    assert table._db.execute("PRAGMA journal_mode").fetchone()[0] == b"wal"
    assert table._db.execute("PRAGMA synchronous").fetchone()[0] == 1


def test_rows_of_another_process_are_seen_and_counted(table: EntryTable, clock: ManualClock) -> None:
    table.put(key(1), entry(), 0)
    other = EntryTable(table.path, 3, MAX_BYTES, clock)
    other.put(key(2), entry(), 0)
    other.put(key(3), entry(), 0)
    other.close()
    assert table.find((key(3),), PLAIN).result is CacheResult.HIT
    evicted = table.put(key(4), entry(), 0)
    assert (table.entries, dict(evicted)) == (3, {EvictionReason.ENTRIES: 1})


def test_expired_rows_make_room_first(table: EntryTable, clock: ManualClock) -> None:
    table.put(key(1), entry(), 0)
    table.put(key(2), entry(ttl_s=5), 0)
    table.put(key(3), entry(), 0)
    clock.advance(6)
    assert dict(table.put(key(4), entry(), 0)) == {EvictionReason.EXPIRED: 1}
    assert [table.find((key(n),), PLAIN).result.value for n in (1, 2, 3, 4)] == ["hit", "miss", "hit", "hit"]


def test_a_hit_saves_a_row_from_eviction(table: EntryTable) -> None:
    for number in (1, 2, 3):
        table.put(key(number), entry(), 0)
    table.find((key(1),), PLAIN)
    table.touch(key(2).digest)
    table.put(key(4), entry(), 0)
    assert [table.find((key(n),), PLAIN).result.value for n in (1, 2, 3, 4)] == ["hit", "hit", "miss", "hit"]


def test_bytes_are_counted_and_bounded(table: EntryTable) -> None:
    table.put(key(1), entry(400_000), 0)
    assert table.size_bytes == 400_000 + len("d1f1") + ENTRY_OVERHEAD_BYTES
    table.put(key(2), entry(400_000), 0)
    assert dict(table.put(key(3), entry(400_000), 0)) == {EvictionReason.BYTES: 1}
    assert table.entries == 2


def test_a_clock_set_back_between_two_runs_makes_entries_new_not_eternal(table: EntryTable) -> None:
    table.put(key(1), entry(ttl_s=100), 0)
    table.close()
    past = ManualClock(time=1_600_000_000.0)
    again = EntryTable(table.path, 3, MAX_BYTES, past)
    assert again.find((key(1),), PLAIN).age_s == 0
    past.advance(101)
    assert again.find((key(1),), PLAIN).result is CacheResult.EXPIRED
    again.close()


def test_age_goes_on_while_the_service_is_down(table: EntryTable) -> None:
    table.put(key(1), entry(ttl_s=100), 30)
    table.close()
    later = EntryTable(table.path, 3, MAX_BYTES, ManualClock(monotonic=5.0, time=1_700_000_050.0))
    assert later.find((key(1),), PLAIN).age_s == pytest.approx(80)
    later.close()


def test_setting_the_wall_clock_while_open_ages_nothing(table: EntryTable, clock: ManualClock) -> None:
    table.put(key(1), entry(ttl_s=100), 0)
    clock.set_time(clock.time() + 1e9)
    assert table.find((key(1),), PLAIN).age_s == 0


def test_a_changed_value_is_dropped_and_never_handed_out(table: EntryTable) -> None:
    table.put(key(1), entry(50), 0)
    with sqlite3.connect(table.path) as other:
        value = bytearray(other.execute("SELECT value FROM entries").fetchone()[0])
        value[-1] ^= 1
        other.execute("UPDATE entries SET value = ?", (bytes(value),))
    other.close()
    found = table.find((key(1),), PLAIN)
    assert (found.result, found.entry, found.degraded) == (CacheResult.MISS, None, True)
    assert table.find((key(1),), PLAIN).degraded is False


@pytest.mark.parametrize("column", ["born", "ttl", "value"])
def test_a_row_of_the_wrong_types_is_dropped(table: EntryTable, column: str) -> None:
    table.put(key(1), entry(50), 0)
    with sqlite3.connect(table.path) as other:
        other.execute(f"UPDATE entries SET {column} = CAST(x'ff00fe' AS TEXT)")
    other.close()
    assert table.find((key(1),), PLAIN).degraded
    assert table.find((key(1),), PLAIN).result is CacheResult.MISS


def test_rows_of_another_version_are_begun_anew(table: EntryTable) -> None:
    table.put(key(1), entry(), 0)
    table.close()
    with sqlite3.connect(table.path) as other:
        other.execute("PRAGMA user_version=99")
    other.close()
    assert table.find((key(1),), PLAIN).result is CacheResult.MISS
    assert table.entries == 0


def test_a_failed_write_leaves_the_totals_true(table: EntryTable) -> None:
    for number in (1, 2, 3):
        table.put(key(number), entry(), 0)
    assert table._db is not None
    table._db.execute("CREATE TRIGGER refuse BEFORE DELETE ON entries BEGIN SELECT raise(ABORT, 'refused'); END")
    with pytest.raises(sqlite3.IntegrityError, match="refused"):
        table.put(key(4), entry(), 0)
    table._db.execute("DROP TRIGGER refuse")
    assert dict(table.put(key(3), entry(), 0)) == {}
    assert (table.entries, table.size_bytes) == (3, 3 * (10 + len("d1f1") + ENTRY_OVERHEAD_BYTES))


def test_clearing_leaves_no_content_in_the_file_and_gives_its_space_back(table: EntryTable) -> None:
    table.put(key(1), CacheEntry(b"canary-7f3a" * 50_000, 0, 100.0), 0)
    assert any(b"canary-7f3a" in file.read_bytes() for file in table.path.parent.iterdir())
    table.put(key(1), CacheEntry(b"canary-7f3a" * 50_000, 0, 100.0), 0)
    assert table.clear() == 1
    assert sum(file.stat().st_size for file in table.path.parent.iterdir()) < 100_000
    assert not any(b"canary-7f3a" in file.read_bytes() for file in table.path.parent.iterdir())


def test_pending_touches_are_bounded(table: EntryTable) -> None:
    for number in range(2000):
        table.touch(str(number))
    assert len(table._touched) < 1000
