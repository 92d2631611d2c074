"""The slow log over its file: off the event loop, in nobody's way, and at a loss of history at most."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from service.ask.types import Outcome
from service.monitoring import slow_log as module
from service.monitoring.fault import judge
from service.monitoring.port import JudgedQuery
from service.monitoring.slow_log import HELD, RETRY_S, SLOWEST_AT_ONCE, SqliteSlowLog, worth_keeping
from service.monitoring.slow_table import VERSION
from tests.fakes.clock import ManualClock
from tests.fakes.waiting import until
from tests.unit.monitoring.records import warm

ROOMY = 64 << 20
HOUR_S = 3600.0


def query(duration_s: float = 1.0, **changes: Any) -> JudgedQuery:
    return judge(warm(duration_s=duration_s, **changes), {})


class Stand:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.path = folder / "slow.sqlite3"

    @asynccontextmanager
    async def log(self, max_bytes: int = ROOMY) -> AsyncIterator[SqliteSlowLog]:
        made = SqliteSlowLog(self.path, max_bytes, self.clock)
        await made.start()
        try:
            yield made
        finally:
            await made.close()

    def rows(self) -> int:
        with closing(sqlite3.connect(self.path)) as db:
            return int(db.execute("SELECT count(*) FROM queries").fetchone()[0])


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


async def test_queries_outlive_the_process(stand: Stand) -> None:
    async with stand.log() as log:
        log.note(query(3.0, trace_id="a"))
        log.note(query(5.0, trace_id="b", outcome=Outcome.ERROR))
    async with stand.log() as log:
        found = await log.slowest(HOUR_S, 10)
        assert [one.record.trace_id for one in found] == ["b", "a"]
        assert (await log.kept()).records == 2


async def test_what_is_noted_is_written_soon_without_being_asked_for(stand: Stand, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "WRITE_EVERY_S", 0.01)
    async with stand.log() as log:
        log.note(query())
        await until(lambda: stand.rows() == 1)


async def test_nothing_is_noted_after_the_end(stand: Stand) -> None:
    async with stand.log() as log:
        pass
    log.note(query())
    await log.close()
    assert (await log.slowest(HOUR_S, 5), await log.find("a")) == ([], None)


def test_of_a_flood_the_slowest_and_every_failed_one_are_kept() -> None:
    flood = [query(number / 1000) for number in range(1000)] + [query(0.0, outcome=Outcome.REJECTED)] * 300
    kept = worth_keeping(flood)
    assert sum(one.record.outcome is Outcome.REJECTED for one in kept) == 300
    assert sorted(one.record.duration_s for one in kept)[300:] == [
        number / 1000 for number in range(1000 - SLOWEST_AT_ONCE, 1000)
    ]


async def test_a_newer_file_is_refused_and_the_log_goes_on_in_memory(stand: Stand, caplog: Any) -> None:
    async with stand.log() as log:
        log.note(query(9.0))
    with closing(sqlite3.connect(stand.path)) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    before = stand.path.read_bytes()
    with caplog.at_level(logging.WARNING):
        async with stand.log() as log:
            log.note(query(2.0, trace_id="new"))
            stand.clock.advance(RETRY_S * 10)
            assert [one.record.trace_id for one in await log.slowest(HOUR_S, 10)] == ["new"]
            kept = await log.kept()
    assert f"schema {VERSION + 1}, this one knows {VERSION}" in kept.problem
    assert "move the file away" in kept.problem
    assert kept.records == 1
    assert len(caplog.records) == 1
    assert stand.path.read_bytes() == before


async def test_a_corrupt_file_is_set_aside_and_begun_anew(stand: Stand, caplog: Any) -> None:
    stand.path.write_bytes(b"this is no database" * 1000)
    with caplog.at_level(logging.WARNING):
        async with stand.log() as log:
            log.note(query(2.0))
            assert len(await log.slowest(HOUR_S, 10)) == 1
            assert (await log.kept()).problem == ""
    assert stand.path.with_name("slow.sqlite3.corrupt").read_bytes().startswith(b"this is no")
    assert stand.rows() == 1
    assert "set aside" in caplog.text


async def test_damage_under_way_is_survived(stand: Stand) -> None:
    async with stand.log() as log:
        for number in range(400):
            log.note(query(float(number), outcome=Outcome.ERROR))
        await log.kept()
    content = bytearray(stand.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    stand.path.write_bytes(content)
    async with stand.log() as log:
        for number in range(3):
            log.note(query(float(number), trace_id=f"{number}"))
            await log.slowest(HOUR_S, 10)
        stand.clock.advance(RETRY_S)
        assert {one.record.trace_id for one in await log.slowest(HOUR_S, 10)} >= {"0", "1", "2"}


async def test_a_full_disk_is_told_once_costs_nothing_kept_and_is_found_free_again(stand: Stand, caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        async with stand.log() as log:
            log.note(query(1.0, trace_id="before"))
            await log.kept()
            full = fill(log)
            for number in range(40):
                log.note(query(2.0 + number, trace_id=f"{number}", question="x" * 2000))
            found = await log.slowest(HOUR_S, 100)
            assert [one.record.trace_id for one in found] == [*(f"{n}" for n in reversed(range(40))), "before"]
            kept = await log.kept()
            assert "FULL" in kept.problem
            assert "free some space" in kept.problem
            assert kept.records == 41
            full()
            assert "FULL" in (await log.kept()).problem  # not tried again yet
            stand.clock.advance(RETRY_S)
            kept = await log.kept()
            assert (kept.problem, kept.records) == ("", 41)
    assert stand.rows() == 41
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "xxx" not in caplog.text


def fill(log: SqliteSlowLog) -> Callable[[], None]:
    """Let the file take no further page, however often it is opened; the function that is returned ends this."""
    table = log._table
    assert table is not None
    plain = table._prepare
    limit = {"pages": 12}

    def prepare(db: sqlite3.Connection) -> None:
        plain(db)
        db.execute(f"PRAGMA max_page_count={limit['pages']}")

    table._prepare = prepare  # type: ignore[method-assign]
    table.close()

    def end() -> None:
        limit["pages"] = 1 << 30
        table.close()

    return end


async def test_a_folder_that_is_none_is_told_and_found_again(stand: Stand) -> None:
    stand.path = stand.path.parent / "there" / "slow.sqlite3"
    stand.path.parent.write_text("a file")
    async with stand.log() as log:
        log.note(query(1.0))
        assert len(await log.slowest(HOUR_S, 10)) == 1
        assert "cannot be written or read" in (await log.kept()).problem
        stand.path.parent.unlink()
        stand.clock.advance(RETRY_S)
        assert (await log.kept()).problem == ""
    assert stand.rows() == 1


async def test_while_nothing_can_be_written_the_newest_are_held(stand: Stand) -> None:
    stand.path = stand.path.parent / "there" / "slow.sqlite3"
    stand.path.parent.write_text("a file")
    async with stand.log() as log:
        for number in range(HELD + 500):
            log.note(query(float(number), at=stand.clock.time() - 1 + number / 1e6))
        found = await log.latest(stand.clock.time(), HELD * 2)
        assert len(found) == HELD
        assert found[-1].record.duration_s == HELD + 499


async def test_a_disk_that_hangs_holds_up_nobody_twice(stand: Stand, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    released = threading.Event()
    async with stand.log() as log:
        assert log._table is not None
        plain = log._table.put

        def put(queries: Any) -> int:
            released.wait(20)
            return plain(queries)

        log._table.put = put  # type: ignore[method-assign]
        try:
            before = asyncio.get_running_loop().time()
            log.note(query(4.0, trace_id="waiting"))
            for _ in range(200):
                await log.slowest(HOUR_S, 5)
            # 200 waits would be 10 s.
            assert asyncio.get_running_loop().time() - before < 5
            log.note(query(3.0, trace_id="later"))
            assert [one.record.trace_id for one in await log.slowest(HOUR_S, 5)] == ["waiting", "later"]
            assert "does not answer" in (await log.kept()).problem
        finally:
            released.set()
        assert log._hanging is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(log._hanging, 10)
        assert [one.record.trace_id for one in await log.slowest(HOUR_S, 5)] == ["waiting", "later"]
        stand.clock.advance(RETRY_S)
        assert (await log.kept()).problem == ""


async def test_noting_never_waits_for_the_file(stand: Stand) -> None:
    released = threading.Event()
    async with stand.log() as log:
        blocked = log._thread.submit(released.wait, 20)
        for number in range(100):
            log.note(query(float(number)))
        assert not blocked.done()
        released.set()
        assert len(await log.slowest(HOUR_S, 100)) == 100


async def test_in_memory_as_is_wished_has_no_problem(stand: Stand) -> None:
    log = SqliteSlowLog(None, 0, stand.clock)
    await log.start()
    log.note(query(2.0, trace_id="a"))
    assert [one.record.trace_id for one in await log.slowest(HOUR_S, 10)] == ["a"]
    kept = await log.kept()
    assert (kept.records, kept.size_bytes, kept.problem) == (1, 0, "")
    await log.close()


async def test_no_content_reaches_the_file_unless_it_was_captured(stand: Stand) -> None:
    async with stand.log() as log:
        log.note(query(1.0))
        await log.kept()
        content = b"".join(file.read_bytes() for file in stand.path.parent.glob("slow.sqlite3*"))
    assert b"question" not in content
