"""Finished queries kept over restarts: a thread of its own writes them into SQLite, and reads them. Never raises.

`note` puts a query on a list and returns; once a second what has gathered is written: every failed one, and of the
others the slowest `SLOWEST_AT_ONCE`, so that a flood of quick answers from the cache costs the disk next to nothing.
A kill loses the last second.

What cannot be written stays in memory, the newest `HELD` queries, and is found there, until the disk takes it. A file
that is full, locked, read-only or away is tried again every `RETRY_S`. A corrupt one is set aside as `<name>.corrupt`
and begun anew. One that a newer version has written is left as it is, and the log goes on in memory. A disk that hangs
is waited for `PATIENCE_S` by each reader, and then by none. All of it is told by `kept` and, once, in the log.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from heapq import nlargest
from pathlib import Path
from typing import Any, TypeVar

from service.clock import Clock
from service.monitoring.port import EVERYTHING, KEPT_S, JudgedQuery, Kept, Wanted
from service.monitoring.slow_table import FAILED, ROWS_AT_ONCE, VERSION, NewerSchema, SlowTable
from service.monitoring.wanted import takes

HELD = 2000
SLOWEST_AT_ONCE = 100
WRITE_EVERY_S = 1.0
RETRY_S = 5.0
PATIENCE_S = 2.0

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# Extended result codes carry the plain one in their lowest byte.
_PRIMARY_CODE = 0xFF
_IN_MEMORY = "slow queries are kept in memory only, and lost at the end of the process"

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class SqliteSlowLog:
    """Implements `SlowLog`. Belongs to one event loop; `start` it there. `path` None = in memory only, as is wished."""

    def __init__(self, path: Path | None, max_bytes: int, clock: Clock) -> None:
        self._clock = clock
        self._table = SlowTable(path, max_bytes) if path is not None else None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="slow-log")
        self._lock = threading.Lock()
        self._held: deque[JudgedQuery] = deque(maxlen=HELD)
        self._writing: list[JudgedQuery] = []
        self._writer: asyncio.Task[None] | None = None
        self._hanging: asyncio.Future[Any] | None = None
        self._problem = ""
        self._refused = path is None
        self._retry_at_s = 0.0
        self._closed = False

    async def start(self) -> None:
        """Open the file, and write to it from now on."""
        await self._run(self._write)
        self._writer = asyncio.create_task(self._write_on(), name="slow log")

    def note(self, query: JudgedQuery) -> None:
        """See `SlowLog.note`."""
        if not self._closed:
            with self._lock:
                self._held.append(query)

    async def slowest(self, window_s: float, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        """See `SlowLog.slowest`."""
        since = self._clock.time() - min(window_s, KEPT_S)
        stored = await self._run(lambda: self._read(lambda table: table.slowest(since, count, wanted)))
        held = [query for query in self._matching(wanted) if query.record.at >= since]
        return nlargest(count, [*(stored or ()), *held], key=lambda query: query.record.duration_s)

    async def latest(self, before: float, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        """See `SlowLog.latest`."""
        since = self._clock.time() - KEPT_S
        stored = await self._run(lambda: self._read(lambda table: table.latest(since, before, count, wanted)))
        held = [query for query in self._matching(wanted) if since <= query.record.at < before]
        found = sorted([*(stored or ()), *held], key=lambda query: query.record.at)
        return found[max(0, len(found) - count) :]

    async def find(self, trace_id: str) -> JudgedQuery | None:
        """See `SlowLog.find`."""
        stored = await self._run(lambda: self._read(lambda table: table.find(trace_id)))
        held = (query for query in self._matching(EVERYTHING) if query.record.trace_id == trace_id)
        return stored or next(held, None)

    async def kept(self) -> Kept:
        """See `SlowLog.kept`."""
        stored = await self._run(lambda: self._read(_contents))
        since_at, records, size_bytes = stored or (None, 0, 0)
        held = self._matching(EVERYTHING)
        ends = [query.record.at for query in held] + ([since_at] if since_at is not None else [])
        return Kept(min(ends, default=None), records + len(held), size_bytes, self._problem)

    async def close(self) -> None:
        """See `SlowLog.close`."""
        if self._closed:
            return
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        await self._run(self._write)
        await self._run(self._end)
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self._run(self._write)

    async def _run(self, call: Callable[[], _T]) -> _T | None:
        """The result, or None when the disk hangs. What hangs is waited for once: others go on without it."""
        if self._closed or (self._hanging is not None and not self._hanging.done()):
            return None
        work = asyncio.get_running_loop().run_in_executor(self._thread, call)
        try:
            return await asyncio.wait_for(asyncio.shield(work), PATIENCE_S)
        except TimeoutError:
            self._hanging = work
            self._tell("the file of the slow log does not answer")
            return None

    def _matching(self, wanted: Wanted) -> list[JudgedQuery]:
        """Those that are not on the disk."""
        with self._lock:
            return [query for query in (*self._writing, *self._held) if takes(wanted, query)]

    # What follows runs in the thread.

    def _read(self, ask: Callable[[SlowTable], _T]) -> _T | None:
        """What is noted is found at once: it is written first. A disk that takes nothing more can still be read."""
        self._write()
        return None if self._refused else self._guard(ask)

    def _write(self) -> None:
        if self._refused or (self._problem and self._clock.monotonic() < self._retry_at_s):
            return
        with self._lock:
            noted, self._held = self._held, deque(maxlen=HELD)
            self._writing = worth_keeping(noted)
        left = deque(self._writing)
        while True:
            some = [left.popleft() for _ in range(min(len(left), ROWS_AT_ONCE))]
            if self._put(some) is None:
                with self._lock:
                    self._held = deque([*some, *left, *self._held], maxlen=HELD)
                    self._writing = []
                return
            with self._lock:
                self._writing = list(left)
            if not left:
                break
        if self._problem:
            self._problem = ""
            _log.info("the slow log is written again")
        now = self._clock.time()
        self._guard(lambda table: table.tidy(now))

    def _put(self, queries: Sequence[JudgedQuery]) -> int | None:
        return self._guard(lambda table: table.put(queries))

    def _end(self) -> None:
        if self._table is not None:
            self._guard(SlowTable.close)

    def _guard(self, ask: Callable[[SlowTable], _T]) -> _T | None:
        if self._table is None:
            return None
        try:
            return ask(self._table)
        except NewerSchema as error:
            self._refused = True
            self._tell(
                f"{self._table.path} was written by a newer version of the service (schema {error.version}, this one "
                f"knows {VERSION}): it is left as it is; start that version again, or move the file away"
            )
            return None
        except Exception as error:  # Whatever it is, an answer must not fail because of its history.
            self._note_failure(self._table, error)
            return None

    def _note_failure(self, table: SlowTable, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & _PRIMARY_CODE in _CORRUPT and _set_aside(table):
            return
        self._retry_at_s = self._clock.monotonic() + RETRY_S
        # Opened anew next time: a file that was taken away is written to no more.
        with suppress(sqlite3.Error):
            table.close()
        # The name alone: SQLite's messages can hold what was stored.
        why = getattr(error, "sqlite_errorname", None) or getattr(error, "strerror", None) or type(error).__name__
        self._tell(f"{table.path} cannot be written or read ({why}): free some space or make it writable")

    def _tell(self, problem: str) -> None:
        if not self._problem:
            _log.warning("%s; until then %s", problem, _IN_MEMORY)
        self._problem = f"{problem}; until then {_IN_MEMORY}"


def worth_keeping(queries: Iterable[JudgedQuery]) -> list[JudgedQuery]:
    """Every failed one, and the slowest of the others."""
    failed: list[JudgedQuery] = []
    good: list[JudgedQuery] = []
    for query in queries:
        (failed if query.record.outcome in FAILED else good).append(query)
    return [*failed, *nlargest(SLOWEST_AT_ONCE, good, key=lambda query: query.record.duration_s)]


def _contents(table: SlowTable) -> tuple[float | None, int, int]:
    since_at = table.since_at()
    return since_at, table.records, table.size_bytes()


def _set_aside(table: SlowTable) -> bool:
    """Begin a new file in place of a corrupt one; False when that cannot be done either."""
    aside = table.path.with_name(table.path.name + ".corrupt")
    try:
        table.close()
        table.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            table.path.with_name(table.path.name + suffix).unlink(missing_ok=True)
        table.open()
    except (sqlite3.Error, OSError):
        return False
    _log.warning("the slow log was corrupt: set aside as %s, and begun anew", aside.name)
    return True
