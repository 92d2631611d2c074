"""The file of the slow log: what is found, at what cost, and what goes when it is full."""

import random
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.ask.types import Outcome, Stage
from service.monitoring.port import EVERYTHING, KEPT_S, JudgedQuery, Wanted
from service.monitoring.slow_table import RESERVED_BYTES, VERSION, NewerSchema, SlowTable
from tests.unit.monitoring.records import MODEL, warm

NOW = 1_700_000_000.0
ROOMY = 1 << 30
MANY = 100_000
STAGES = dict.fromkeys(Stage, 0.012345)
# Instructions of SQLite's machine between two calls of the handler that counts them.
_EVERY = 100


def query(number: int, duration_s: float = 1.0, **changes: object) -> JudgedQuery:
    facts = {"at": NOW - number, "trace_id": f"{number:032x}", "stages": STAGES} | changes
    return JudgedQuery(warm(duration_s=duration_s, **facts), "generate", duration_s, 1.0, 0.5, 0.1, 0.6)


def durations(found: list[JudgedQuery]) -> list[float]:
    return [one.record.duration_s for one in found]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[SlowTable]:
    made = SlowTable(tmp_path / "data" / "slow.sqlite3", ROOMY)
    yield made
    made.close()


class Cost:
    """Instructions of SQLite's machine that a search takes."""

    def __init__(self, table: SlowTable) -> None:
        table.open()
        assert table._db is not None
        self.count = 0
        table._db.set_progress_handler(self._tick, _EVERY)

    def _tick(self) -> int:
        self.count += _EVERY
        return 0


def test_the_file_is_for_its_owner_alone(table: SlowTable) -> None:
    table.put([query(1)])
    assert stat.S_IMODE(table.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(table.path.parent.stat().st_mode) == 0o700


def test_it_lasts(table: SlowTable) -> None:
    table.put([query(1, 2.0), query(2, 3.0, outcome=Outcome.ERROR)])
    table.close()
    again = SlowTable(table.path, ROOMY)
    assert again.slowest(0, 9, EVERYTHING) == [query(2, 3.0, outcome=Outcome.ERROR), query(1, 2.0)]
    assert (again.records, again.since_at()) == (2, NOW - 2)
    again.put([query(3, 2.0)])
    assert again.records == 3
    again.close()


def test_what_is_in_the_way_of_a_batch_leaves_none_of_it(table: SlowTable) -> None:
    table.put([query(1)])
    with pytest.raises(sqlite3.IntegrityError):
        table.put([query(2), query(3, at=None)])
    assert (table.records, len(table.slowest(0, 9, EVERYTHING))) == (1, 1)


def test_a_damaged_row_is_left_out(table: SlowTable) -> None:
    table.put([query(1, 1.0), query(2, 2.0)])
    assert table._db is not None
    table._db.execute("UPDATE queries SET rest = 'damage' WHERE duration = 2.0")
    assert durations(table.slowest(0, 9, EVERYTHING)) == [1.0]


def test_the_slow_list_of_many_queries_costs_what_it_costs_of_few(tmp_path: Path) -> None:
    """Rows are read for results alone, and searches that find little stay within the index."""
    costs: dict[int, list[int]] = {}
    for size in (MANY // 100, MANY):
        table = SlowTable(tmp_path / f"{size}.sqlite3", ROOMY)
        chance = random.Random(1)
        for begin in range(0, size, 5000):
            table.put([query(begin + one, round(chance.lognormvariate(0, 1), 6)) for one in range(min(size, 5000))])
        assert table.records == size
        cost = Cost(table)
        costs[size] = []
        for since, wanted in ((0.0, EVERYTHING), (NOW - size / 4, Wanted(models=frozenset({MODEL})))):
            cost.count = 0
            assert len(table.slowest(since, 20, wanted)) == 20
            costs[size].append(cost.count)
        assert table._db is not None
        plans = [
            table._db.execute(f"EXPLAIN QUERY PLAN {search}").fetchall()[0][3]
            for search in (
                "SELECT duration, id FROM queries INDEXED BY queries_slowest WHERE at >= 0 AND model = 'x' "
                "ORDER BY duration DESC, id DESC LIMIT 20",
                "SELECT duration, id FROM queries INDEXED BY queries_latest WHERE at >= 0 AND at < 9 AND stage = 'x' "
                "ORDER BY at DESC, id DESC LIMIT 20",
            )
        ]
        assert all("COVERING INDEX" in plan for plan in plans), plans
        # Nothing matches: every entry of the index is looked at, and not one row.
        cost.count = 0
        assert table.slowest(0, 20, Wanted(models=frozenset({"other"}))) == []
        assert cost.count < 12 * size
        table.close()
    assert costs[MANY] == pytest.approx(costs[MANY // 100], rel=0.5, abs=500)


def test_what_is_too_old_goes_some_at_a_time(table: SlowTable) -> None:
    table.put([query(number, at=NOW - KEPT_S - number) for number in range(1, 301)] + [query(0)])
    table.tidy(NOW)
    assert table.records == 101
    table.tidy(NOW)
    assert (table.records, table.since_at()) == (1, NOW)


@pytest.mark.parametrize("mebibytes", [8, 12])
def test_the_bound_in_bytes_holds_with_its_log_and_the_slowest_stay(tmp_path: Path, mebibytes: int) -> None:
    max_bytes = mebibytes << 20
    table = SlowTable(tmp_path / "slow.sqlite3", max_bytes)
    chance = random.Random(3)
    most, put = 0, 0
    all_durations: list[float] = []
    for _ in range(80 if mebibytes == 8 else 160):
        some = [query(put + one, round(chance.uniform(1, 1000), 3)) for one in range(100)]
        all_durations += [one.record.duration_s for one in some]
        put += 100
        table.put(some)
        table.tidy(NOW)
        most = max(most, table.size_bytes())
    assert most <= max_bytes
    assert table.size_bytes() > (max_bytes - RESERVED_BYTES) / 2
    assert 1000 < table.records < put
    kept = sorted(durations(table.slowest(0, table.records, EVERYTHING)))
    assert len(kept) == table.records
    assert kept[-500:] == sorted(all_durations)[-500:]
    table.close()


def test_failed_ones_outlive_quicker_good_ones_but_take_no_more_than_half(tmp_path: Path) -> None:
    table = SlowTable(tmp_path / "slow.sqlite3", 8 << 20)
    table.put([query(number, 0.001, outcome=Outcome.ERROR) for number in range(200)])
    for round_ in range(120):
        table.put([query(round_ * 100 + one + 1000, 5.0) for one in range(100)])
        table.tidy(NOW)
    failed = Wanted(outcomes=frozenset({Outcome.ERROR}))
    assert len(table.slowest(0, 9999, failed)) == 200
    for round_ in range(200):
        rejected = {"outcome": Outcome.REJECTED, "at": NOW + round_}
        table.put([query(0, 0.001, **rejected) for _ in range(100)])
        table.tidy(NOW)
    good = table.slowest(0, 99_999, Wanted(outcomes=frozenset({Outcome.OK})))
    assert table.records * 0.4 < len(good) < table.records * 0.6
    newest = table.latest(0, NOW + 999, 100, EVERYTHING)
    assert {one.record.outcome for one in newest} == {Outcome.REJECTED}
    table.close()


def test_a_lowered_bound_is_reached_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "slow.sqlite3"
    large = SlowTable(path, 64 << 20)
    for begin in range(0, 16_000, 500):
        large.put([query(begin + one, float(begin + one)) for one in range(500)])
    large.close()
    assert path.stat().st_size > 9 << 20
    small = SlowTable(path, 8 << 20)
    for _ in range(100):
        small.tidy(NOW)
    small.close()
    assert path.stat().st_size <= 8 << 20


def test_a_newer_schema_is_refused_and_left_alone(table: SlowTable) -> None:
    table.put([query(1)])
    table.close()
    with closing(sqlite3.connect(table.path)) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    before = table.path.read_bytes()
    with pytest.raises(NewerSchema) as refused:
        table.open()
    assert refused.value.version == VERSION + 1
    assert table.path.read_bytes() == before


def test_what_lies_there_without_a_version_is_begun_anew(table: SlowTable) -> None:
    table.path.parent.mkdir()
    with closing(sqlite3.connect(table.path)) as db:
        db.execute("CREATE TABLE queries (something TEXT)")
    table.put([query(1)])
    assert table.records == 1
