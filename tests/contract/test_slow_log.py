"""What every slow log must do, the fake included: on a disk, in memory alone, over a file that it must not touch."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.monitoring.fault import judge
from service.monitoring.port import KEPT_S, JudgedQuery, SlowLog, Wanted
from service.monitoring.slow_log import SqliteSlowLog
from tests.fakes.clock import ManualClock
from tests.fakes.slow_log import FakeSlowLog
from tests.unit.monitoring.records import hit, warm

HOUR_S = 3600.0
BYTES = 16 << 20


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["sqlite", "memory", "refused", "fake"])
async def log(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> AsyncIterator[SlowLog]:
    path = tmp_path / "slow.sqlite3"
    if request.param == "refused":
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version=99")
    if request.param == "fake":
        made: SlowLog = FakeSlowLog(clock)
    else:
        kept = SqliteSlowLog(None if request.param == "memory" else path, BYTES, clock)
        await kept.start()
        made = kept
    yield made
    await made.close()


def query(clock: ManualClock, duration_s: float, trace_id: str = "", ago_s: float = 0.0, **changes: Any) -> JudgedQuery:
    facts = {"at": clock.time() - ago_s, "trace_id": trace_id or f"{duration_s:g}"} | changes
    return judge(warm(duration_s=duration_s, **facts), {})


def ids(found: Any) -> str:
    return " ".join(one.record.trace_id for one in found)


async def test_an_empty_one_finds_nothing(log: SlowLog, clock: ManualClock) -> None:
    assert list(await log.slowest(HOUR_S, 10)) == []
    assert list(await log.latest(clock.time(), 10)) == []
    assert await log.find("a") is None
    kept = await log.kept()
    assert (kept.since_at, kept.records) == (None, 0)


async def test_what_is_noted_is_found_at_once_and_whole(log: SlowLog, clock: ManualClock) -> None:
    noted = JudgedQuery(
        warm(
            at=clock.time() - 1, duration_s=2.5, outcome=Outcome.ERROR, error=ErrorKind.TIMEOUT, cold=True,
            phases={"load": 2.0}, input_tokens=7, output_tokens=8, degraded=("no_embedder",), trace_id="a",
            question="why?",
        ),
        "generate.load", 2.0, 0.8, 0.0, 0.0, 1.25,
    )  # fmt: skip
    log.note(noted)
    assert list(await log.slowest(HOUR_S, 10)) == [noted]
    assert list(await log.latest(clock.time(), 10)) == [noted]
    assert await log.find("a") == noted


async def test_the_slowest_come_first_within_window_and_count(log: SlowLog, clock: ManualClock) -> None:
    for duration_s, ago_s in ((9.0, 7200), (2.0, 60), (4.0, 50), (3.0, 40)):
        log.note(query(clock, duration_s, ago_s=ago_s))
    assert ids(await log.slowest(HOUR_S, 2)) == "4 3"
    assert ids(await log.slowest(HOUR_S, 9)) == "4 3 2"
    assert ids(await log.slowest(3 * HOUR_S, 1)) == "9"
    assert list(await log.slowest(10, 9)) == []
    assert list(await log.slowest(HOUR_S, 0)) == []


async def test_the_latest_are_the_newest_before_a_moment_with_the_newest_last(log: SlowLog, clock: ManualClock) -> None:
    for ago_s in (5, 4, 3, 2, 1):
        log.note(query(clock, 1.0, f"{ago_s}", ago_s))
    assert ids(await log.latest(clock.time(), 2)) == "2 1"
    assert ids(await log.latest(clock.time() - 3, 9)) == "5 4"
    assert ids(await log.latest(float("inf"), 9)) == "5 4 3 2 1"
    assert list(await log.latest(clock.time(), 0)) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), "d a b c"),
        (Wanted(models=frozenset({"llama3.2:3b"})), "d a c"),
        (Wanted(models=frozenset({"none"})), "b"),
        (Wanted(models=frozenset({"none", "llama3.2:3b"})), "d a b c"),
        (Wanted(outcomes=frozenset({Outcome.ERROR, Outcome.REJECTED})), "d"),
        (Wanted(caches=frozenset({CacheResult.HIT})), "c"),
        (Wanted(stages=frozenset({"extract", "cache_lookup"})), "b c"),
        (Wanted(stages=frozenset({"extract"}), caches=frozenset({CacheResult.HIT})), ""),
        (Wanted(models=frozenset({"'; DROP TABLE queries; --"})), ""),
    ],
)
async def test_filters(log: SlowLog, clock: ManualClock, wanted: Wanted, found: str) -> None:
    log.note(query(clock, 3.0, "a"))
    log.note(query(clock, 2.0, "b", model=None, stages={Stage.EXTRACT: 2.0}))
    log.note(judge(hit(at=clock.time(), trace_id="c"), {}))
    log.note(query(clock, 4.0, "d", outcome=Outcome.ERROR, cache=None))
    assert ids(await log.slowest(HOUR_S, 9, wanted)) == found
    assert set(ids(await log.latest(clock.time() + 1, 9, wanted)).split()) == set(found.split())


async def test_after_seven_days_nothing_is_found_any_more(log: SlowLog, clock: ManualClock) -> None:
    log.note(query(clock, 9.0, "old"))
    clock.advance(KEPT_S - 1)
    assert ids(await log.slowest(KEPT_S, 9)) == "old"
    clock.advance(2)
    log.note(query(clock, 1.0, "new"))
    assert ids(await log.slowest(10 * KEPT_S, 9)) == "new"
    assert ids(await log.latest(clock.time() + 1, 9)) == "new"


async def test_it_tells_what_it_keeps(log: SlowLog, clock: ManualClock) -> None:
    log.note(query(clock, 1.0, ago_s=30))
    log.note(query(clock, 2.0, ago_s=20))
    kept = await log.kept()
    assert (kept.since_at, kept.records) == (clock.time() - 30, 2)


async def test_after_the_end_nothing_is_kept_and_nothing_is_raised(log: SlowLog, clock: ManualClock) -> None:
    await log.close()
    log.note(query(clock, 1.0, "late"))
    await log.close()
    assert "late" not in ids(await log.slowest(HOUR_S, 9))
