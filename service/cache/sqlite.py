"""A cache in a SQLite file of its own, so that hits survive a restart. Never raises: a broken store is a degraded miss.

A file that is locked, full, read-only or away is left alone for `_RETRY_S`, then tried again. A file that is corrupt
is set aside as `<name>.corrupt` (the one before it is replaced) and a new one is begun. SQL runs in one thread of its
own (`entry_table.py`), so a slow disk never holds up the event loop.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from service.cache.entry_table import EntryTable
from service.cache.freshness import age_when_stored_s, size_bytes, to_keep
from service.cache.port import (
    CacheControl,
    CacheEntry,
    CacheKey,
    CacheName,
    CacheResult,
    CacheStats,
    EvictionReason,
    Lookup,
)
from service.cache.tally import Tally
from service.clock import Clock

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_RETRY_S = 1.0
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
# Extended result codes carry the plain one in their lowest byte.
_PRIMARY_CODE = 0xFF


class SqliteCache:
    """Implements `Cache`. One file per cache; other processes may use it too. Opened at once, so `stats` is true."""

    def __init__(self, name: CacheName, path: Path, max_entries: int, max_bytes: int, clock: Clock) -> None:
        self._name = name
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._table = EntryTable(path, max_entries, max_bytes, clock)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"cache-{name}")
        self._tally = Tally()
        self._retry_at_s = 0.0
        self._away = False
        self._closed = False
        self._guard(self._table.open)

    @property
    def name(self) -> CacheName:
        return self._name

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        if control.no_cache:
            return self._tally.seen(Lookup(CacheResult.BYPASS))
        found = await self._run(lambda: self._table.find(keys, control))
        return self._tally.seen(found or Lookup(CacheResult.MISS, degraded=True))

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        kept = to_keep(entry, control)
        if kept is None or size_bytes(key, kept) > self._max_bytes or self._max_entries < 1:
            return False
        age_s = age_when_stored_s(kept, self._clock)
        if not age_s < kept.ttl_s:
            return False
        evicted = await self._run(lambda: self._table.put(key, kept, age_s))
        if evicted is None:
            return False
        for reason, count in evicted.items():
            self._tally.evicted(reason, count)
        return True

    def touch(self, key: CacheKey) -> None:
        """Note that an entry was used elsewhere, so that it is not evicted here as one that nobody wants."""
        self._table.touch(key.digest)

    async def clear(self) -> int:
        count = await self._run(self._table.clear) or 0
        self._tally.evicted(EvictionReason.CLEARED, count)
        return count

    def stats(self) -> CacheStats:
        return self._tally.stats(
            entries=self._table.entries,
            max_entries=self._max_entries,
            size_bytes=self._table.size_bytes,
            max_bytes=self._max_bytes,
        )

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._table.close)
            self._thread.shutdown(wait=True)

    async def _run(self, call: Callable[[], _T]) -> _T | None:
        """The result, or None when the store could not give one."""
        if self._closed or self._is_resting():
            return None
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guard, call)

    def _is_resting(self) -> bool:
        return self._away and self._clock.monotonic() < self._retry_at_s

    def _guard(self, call: Callable[[], _T]) -> _T | None:
        if self._is_resting():
            # Failed for another while this one stood in line: the time it would wait is spent once, not by each.
            return None
        try:
            result = call()
        except Exception as error:  # Whatever it is, an answer must not fail because of its cache.
            self._note_failure(error)
            return None
        if self._away:
            self._away = False
            _log.info("the %s cache on disk is back", self._name)
        return result

    def _note_failure(self, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and code & _PRIMARY_CODE in _CORRUPT and self._set_aside():
            return
        if not self._away:
            # The name alone: SQLite's messages can hold what was stored.
            why = getattr(error, "sqlite_errorname", type(error).__name__)
            _log.warning("the %s cache on disk is away, answers are kept in memory only: %s", self._name, why)
        self._away = True
        self._retry_at_s = self._clock.monotonic() + _RETRY_S

    def _set_aside(self) -> bool:
        """Begin a new file in place of a corrupt one; False when that cannot be done either."""
        path = self._table.path
        aside = path.with_name(path.name + ".corrupt")
        try:
            self._table.close()
            path.replace(aside)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._table.open()
        except (sqlite3.Error, OSError):
            return False
        _log.warning("the %s cache on disk was corrupt: set aside as %s, and begun anew", self._name, aside.name)
        return True
