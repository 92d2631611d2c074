"""The rows of the slow log in one SQLite file: kept, found, dropped. Blocking; used by one thread at a time.

Owns the file: mode 0600, write-ahead log, `synchronous=NORMAL` (a power cut may cost the last second, never the file).
Raises `sqlite3.Error` and `OSError`, which `slow_log.py` gives a meaning, and `NewerSchema`.

Rows lie in the order of their durations, so that the slowest are read first and the quickest, which go first, free
whole pages. Every search runs over an index that holds all that is filtered by: rows are read for results alone.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.ask.types import Outcome
from service.monitoring.port import KEPT_S, JudgedQuery, Wanted
from service.monitoring.slow_row import COLUMNS, from_row, to_row

VERSION = 1
_SCHEMA = f"""
CREATE TABLE queries (
  duration REAL NOT NULL, at REAL NOT NULL, model TEXT NOT NULL, outcome TEXT NOT NULL, stage TEXT NOT NULL,
  cache TEXT NOT NULL, trace TEXT NOT NULL, rest TEXT NOT NULL, id INTEGER NOT NULL,
  PRIMARY KEY (duration, id)
) WITHOUT ROWID;
CREATE INDEX queries_slowest ON queries (duration, id, at, outcome, model, stage, cache, trace);
CREATE INDEX queries_latest ON queries (at, id, outcome, model, stage, cache);
PRAGMA user_version={VERSION};
"""
_NAMES = ", ".join(COLUMNS)
_INSERT = f"INSERT INTO queries ({_NAMES}, id) VALUES ({', '.join('?' * len(COLUMNS))}, ?)"  # noqa: S608
FAILED = (Outcome.ERROR, Outcome.REJECTED, Outcome.CANCELLED)
_IS_FAILED = "outcome IN ({})".format(", ".join(f"'{outcome}'" for outcome in FAILED))
# Changed at once; what a transaction changes has a copy in the write-ahead log until it is taken over.
ROWS_AT_ONCE = 200
_DROPS_AT_ONCE = 10
_PAGES_AT_ONCE = 500
_WAL_PAGES = 256
# Left free for the write-ahead log and for what is written before something is dropped.
RESERVED_BYTES = 4 << 20
_BUSY_S = 0.25


class NewerSchema(Exception):
    """The file was written by a newer version of the service; `version` is of its schema."""

    def __init__(self, version: int) -> None:
        super().__init__(f"schema {version}")
        self.version = version


class SlowTable:
    """`records` is the present number of rows. The file with its log stays below `max_bytes`."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.records = 0
        self._failed = 0
        self._budget_bytes = max_bytes - RESERVED_BYTES
        self._next_id = 1
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open or create the file; nothing when it is open."""
        if self._db is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self.path.chmod(0o600)
        db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(db)
            self.records, self._failed = db.execute(
                f"SELECT count(*), coalesce(sum({_IS_FAILED}), 0) FROM queries INDEXED BY queries_latest"  # noqa: S608
            ).fetchone()
            self._next_id = 1 + db.execute("SELECT coalesce(max(id), 0) FROM queries").fetchone()[0]
        except BaseException:
            db.close()
            raise
        self._db = db

    def put(self, queries: Sequence[JudgedQuery]) -> int:
        """Keep them, all or none; how many."""
        db = self._connection()
        numbered = [(*to_row(query), self._next_id + number) for number, query in enumerate(queries)]
        if numbered:
            with _transaction(db):
                db.executemany(_INSERT, numbered)
            self._next_id += len(numbered)
            self.records += len(numbered)
            self._failed += sum(query.record.outcome in FAILED for query in queries)
        return len(numbered)

    def tidy(self, now: float) -> None:
        """Drop what is too old or does not fit, some of it at a time, so that nobody waits for it: call it often."""
        db = self._connection()
        old = "SELECT duration, id FROM queries INDEXED BY queries_latest WHERE at < ? ORDER BY at LIMIT ?"
        self._drop(db, old, (now - KEPT_S, ROWS_AT_ONCE))
        for _ in range(_DROPS_AT_ONCE):
            if not self.records or _used_bytes(db) <= self._budget_bytes:
                break
            self._make_room(db)
        if _file_bytes(db) > self._budget_bytes + RESERVED_BYTES // 2:
            # The bound was lowered: give back what is free.
            db.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")  # `execute` would give back one page

    def slowest(self, since: float, count: int, wanted: Wanted) -> list[JudgedQuery]:
        """Slowest first."""
        where, values = _conditions(wanted)
        keys = f"""SELECT duration, id FROM queries INDEXED BY queries_slowest WHERE at >= ?{where}
            ORDER BY duration DESC, id DESC LIMIT ?"""  # noqa: S608
        return list(self._read(keys, (since, *values, count)))

    def latest(self, since: float, before: float, count: int, wanted: Wanted) -> list[JudgedQuery]:
        """Newest last, of those that ended in the time from `since` to `before`."""
        where, values = _conditions(wanted)
        keys = f"""SELECT duration, id FROM queries INDEXED BY queries_latest WHERE at >= ? AND at < ?{where}
            ORDER BY at DESC, id DESC LIMIT ?"""  # noqa: S608
        return list(self._read(keys, (since, before, *values, count)))[::-1]

    def find(self, trace_id: str) -> JudgedQuery | None:
        """The query of a trace."""
        keys = "SELECT duration, id FROM queries INDEXED BY queries_slowest WHERE trace = ? LIMIT 1"
        return next(self._read(keys, (trace_id,)), None)

    def since_at(self) -> float | None:
        """When the oldest of the rows ended."""
        oldest: float | None = self._connection().execute("SELECT min(at) FROM queries").fetchone()[0]
        return oldest

    def size_bytes(self) -> int:
        """What lies on the disk."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        """Safe in every state, and the table can be opened again."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _prepare(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise NewerSchema(version)
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # means something in a new file only
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
        db.execute(f"PRAGMA journal_size_limit={_WAL_PAGES * 4096}")
        db.execute("PRAGMA secure_delete=FAST")
        if version < VERSION:
            # Nothing older has ever been kept; whatever lies there is not ours to read.
            db.executescript(f"DROP TABLE IF EXISTS queries; {_SCHEMA}")

    def _connection(self) -> sqlite3.Connection:
        self.open()
        assert self._db is not None  # noqa: S101 - `open` raised otherwise
        return self._db

    def _read(self, keys: str, values: tuple[Any, ...]) -> Iterator[JudgedQuery]:
        """The rows of these keys, in their order; those that cannot be read are left out."""
        db = self._connection()
        row_of = f"SELECT {_NAMES} FROM queries WHERE duration = ? AND id = ?"  # noqa: S608
        for key in db.execute(keys, values).fetchall():
            row = db.execute(row_of, key).fetchone()
            if row is not None:
                try:
                    yield from_row(row)
                except ValueError:
                    continue

    def _make_room(self, db: sqlite3.Connection) -> None:
        """Drop some of the quickest; of the failed ones the oldest, as soon as they are more than half."""
        if self._failed * 2 > self.records:
            failed = f"SELECT duration, id FROM queries INDEXED BY queries_latest WHERE {_IS_FAILED}"  # noqa: S608
            self._drop(db, f"{failed} ORDER BY at LIMIT ?", (ROWS_AT_ONCE,))
        else:
            good = f"SELECT duration, id FROM queries INDEXED BY queries_slowest WHERE NOT {_IS_FAILED}"  # noqa: S608
            self._drop(db, f"{good} ORDER BY duration LIMIT ?", (ROWS_AT_ONCE,))

    def _drop(self, db: sqlite3.Connection, keys: str, values: tuple[Any, ...]) -> None:
        doomed = db.execute(keys, values).fetchall()
        if not doomed:
            return
        drop = f"DELETE FROM queries WHERE duration = ? AND id = ? RETURNING {_IS_FAILED}"  # noqa: S608
        with _transaction(db):
            gone = [row[0] for key in doomed for row in db.execute(drop, key).fetchall()]
        self.records -= len(gone)
        self._failed -= sum(gone)


def _conditions(wanted: Wanted) -> tuple[str, tuple[str, ...]]:
    """What is added to WHERE, and its values."""
    text, values = "", []
    for column, allowed in (
        ("model", wanted.models),
        ("stage", wanted.stages),
        ("outcome", wanted.outcomes),
        ("cache", wanted.caches),
    ):
        if allowed:
            text += f" AND {column} IN ({', '.join('?' * len(allowed))})"
            values += sorted(str(one) for one in allowed)
    return text, tuple(values)


def _used_bytes(db: sqlite3.Connection) -> int:
    free: int = db.execute("PRAGMA freelist_count").fetchone()[0]
    return _file_bytes(db) - free * _page_bytes(db)


def _file_bytes(db: sqlite3.Connection) -> int:
    pages: int = db.execute("PRAGMA page_count").fetchone()[0]
    return pages * _page_bytes(db)


def _page_bytes(db: sqlite3.Connection) -> int:
    size: int = db.execute("PRAGMA page_size").fetchone()[0]
    return size


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
