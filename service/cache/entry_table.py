"""The rows of one cache in one SQLite file: what is found, kept and evicted. Blocking; used by one thread at a time,
but for `touch`, which any thread may call.

Owns the file: mode 0600, write-ahead log, `synchronous=NORMAL` (a power cut may cost the last entries, never the
file). Raises `sqlite3.Error` and `OSError`; `sqlite.py` decides what they mean.

Time is Unix seconds at opening plus the monotonic clock since then, so setting the wall clock ages nothing while the
file is open. Entries from the future (the clock was set back between two runs) count as new.
"""

import os
import sqlite3
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.cache.freshness import judge, size_bytes
from service.cache.packing import pack, unpack
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheResult, EvictionReason, Lookup
from service.clock import Clock

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  digest TEXT PRIMARY KEY, family TEXT NOT NULL, born REAL NOT NULL, ttl REAL NOT NULL,
  size INTEGER NOT NULL, used INTEGER NOT NULL, value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_used ON entries (used);
CREATE INDEX IF NOT EXISTS entries_family ON entries (family);
"""
_EVICT_OLDEST = "DELETE FROM entries WHERE digest = (SELECT digest FROM entries ORDER BY used LIMIT 1) RETURNING size"
# How long another process may hold the file before this one goes on without it.
_BUSY_S = 0.25
_MAX_PENDING_TOUCHES = 512


class EntryTable:
    """`entries` and `size_bytes` are the present totals; the least recently used rows go when they pass the limits."""

    def __init__(self, path: Path, max_entries: int, max_bytes: int, clock: Clock) -> None:
        self.path = path
        self.entries = 0
        self.size_bytes = 0
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._opened_at = clock.time() - clock.monotonic()
        self._db: sqlite3.Connection | None = None
        self._turn = 0
        self._seen_version = -1
        # Digest -> turn of hits not yet written: a lookup then never writes.
        self._touched: OrderedDict[str, int] = OrderedDict()
        self._touching = threading.Lock()

    def open(self) -> None:
        """Open or create the file; nothing when it is open."""
        if self._db is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        self.path.chmod(0o600)
        db = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        # No text is read, and damaged text must not fail to decode.
        db.text_factory = bytes
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            if db.execute("PRAGMA user_version").fetchone()[0] not in {0, _VERSION}:
                db.execute("DROP TABLE IF EXISTS entries")
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version={_VERSION}")
            now = self._now()
            db.execute("UPDATE entries SET born = ? WHERE born > ?", (now, now))
            self._turn = db.execute("SELECT coalesce(max(used), 0) FROM entries").fetchone()[0]
        except BaseException:
            db.close()
            raise
        self._db = db
        self._seen_version = -1
        self._count(db)

    def find(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        """The first fresh one of `keys`. A row that cannot be read is dropped, and makes the lookup degraded."""
        db, now = self._connection(), self._now()
        result, degraded = CacheResult.MISS, False
        for key in keys:
            row = db.execute("SELECT born, ttl, value FROM entries WHERE digest = ?", (key.digest,)).fetchone()
            if row is None:
                if result is CacheResult.MISS and self._is_superseded(db, key, now):
                    result = CacheResult.INVALIDATED
                continue
            try:
                born, ttl_s, value = row
                age_s = max(0.0, now - float(born))
                if judge(age_s, float(ttl_s), control) is CacheResult.EXPIRED:
                    result = CacheResult.EXPIRED
                    continue
                entry = unpack(value)
            except (ValueError, TypeError):
                db.execute("DELETE FROM entries WHERE digest = ?", (key.digest,))
                self._seen_version, degraded = -1, True
                continue
            self.touch(key.digest)
            return Lookup(CacheResult.HIT, entry, age_s, degraded)
        return Lookup(result, degraded=degraded)

    def touch(self, digest: str) -> None:
        """Note a use; it is written down with the next entry."""
        with self._touching:
            self._turn += 1
            self._touched[digest] = self._turn
            self._touched.move_to_end(digest)
            if len(self._touched) > _MAX_PENDING_TOUCHES:
                self._touched.popitem(last=False)

    def put(self, key: CacheKey, entry: CacheEntry, age_s: float) -> Counter[EvictionReason]:
        """Keep an entry that fits, and return what had to go for it."""
        db, now = self._connection(), self._now()
        evicted: Counter[EvictionReason] = Counter()
        with self._transaction(db):
            db.executemany("UPDATE entries SET used = ? WHERE digest = ?", self._take_touched())
            self._count(db)
            old = db.execute("SELECT size FROM entries WHERE digest = ?", (key.digest,)).fetchone()
            size = size_bytes(key, entry)
            db.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key.digest, key.family, now - age_s, entry.ttl_s, size, self._next_turn(), pack(entry)),
            )
            self.entries += 0 if old else 1
            self.size_bytes += size - (old[0] if old else 0)
            if self._is_over():
                self._evict(db, now, evicted)
        return evicted

    def clear(self) -> int:
        """Drop every row, and give the space back, so that nothing of the content stays in the file."""
        db = self._connection()
        with self._transaction(db):
            count = db.execute("DELETE FROM entries").rowcount
            self.entries, self.size_bytes = 0, 0
        self._take_touched()
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count

    def close(self) -> None:
        """Safe in every state, and the table can be opened again."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _connection(self) -> sqlite3.Connection:
        self.open()
        assert self._db is not None  # noqa: S101 - `open` raised otherwise
        return self._db

    def _now(self) -> float:
        return self._opened_at + self._clock.monotonic()

    @contextmanager
    def _transaction(self, db: sqlite3.Connection) -> Iterator[None]:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            # Totals may be half changed: they are counted anew next time.
            self._seen_version = -1
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _count(self, db: sqlite3.Connection) -> None:
        """Count the rows when another process has changed them; our own changes are added up as we go."""
        version = db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._seen_version:
            self.entries, self.size_bytes = db.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM entries"
            ).fetchone()
            self._seen_version = version

    @staticmethod
    def _is_superseded(db: sqlite3.Connection, key: CacheKey, now: float) -> bool:
        query = "SELECT 1 FROM entries WHERE family = ? AND digest <> ? AND born + ttl > ? LIMIT 1"
        return db.execute(query, (key.family, key.digest, now)).fetchone() is not None

    def _take_touched(self) -> list[tuple[int, str]]:
        with self._touching:
            taken, self._touched = self._touched, OrderedDict()
        return [(turn, digest) for digest, turn in taken.items()]

    def _next_turn(self) -> int:
        with self._touching:
            self._turn += 1
            return self._turn

    def _is_over(self) -> bool:
        return self.entries > self._max_entries or self.size_bytes > self._max_bytes

    def _evict(self, db: sqlite3.Connection, now: float, evicted: Counter[EvictionReason]) -> None:
        """Expired rows first, then the least recently used until the rest fits."""
        for (size,) in db.execute("DELETE FROM entries WHERE born + ttl <= ? RETURNING size", (now,)).fetchall():
            self._gone(size, EvictionReason.EXPIRED, evicted)
        while self._is_over():
            reason = EvictionReason.ENTRIES if self.entries > self._max_entries else EvictionReason.BYTES
            (size,) = db.execute(_EVICT_OLDEST).fetchall()[0]
            self._gone(size, reason, evicted)

    def _gone(self, size: int, reason: EvictionReason, evicted: Counter[EvictionReason]) -> None:
        self.entries -= 1
        self.size_bytes -= size
        evicted[reason] += 1
