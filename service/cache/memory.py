"""A cache in this process: least recently used goes first, bounded in entries and bytes, with a time to live each.

Every operation is O(1) and never waits. Belongs to one event loop; `stats` may be read from any thread. Ages come
from the monotonic clock, so setting the wall clock ages nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass

from service.cache.freshness import age_when_stored_s, judge, size_bytes, to_keep
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


@dataclass(frozen=True, slots=True)
class _Slot:
    """`born_s` is the monotonic second at which the entry was made."""

    entry: CacheEntry
    family: str
    born_s: float
    size: int


class MemoryCache:
    """Implements `Cache`."""

    def __init__(self, name: CacheName, max_entries: int, max_bytes: int, clock: Clock) -> None:
        self._name = name
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        # The entry stored last in each family: what tells `invalidated` from `miss`.
        self._latest: dict[str, str] = {}
        self._size = 0
        self._tally = Tally()

    @property
    def name(self) -> CacheName:
        return self._name

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        return self._tally.seen(self._find(keys, control))

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        kept = to_keep(entry, control)
        return kept is not None and self._put(key, kept, age_when_stored_s(kept, self._clock))

    def refill(self, key: CacheKey, entry: CacheEntry, age_s: float) -> bool:
        """Take over an entry that another store has kept for `age_s`; True when kept."""
        return self._put(key, entry, age_s)

    async def clear(self) -> int:
        count = len(self._slots)
        self._slots.clear()
        self._latest.clear()
        self._size = 0
        self._tally.evicted(EvictionReason.CLEARED, count)
        return count

    def stats(self) -> CacheStats:
        return self._tally.stats(
            entries=len(self._slots),
            max_entries=self._max_entries,
            size_bytes=self._size,
            max_bytes=self._max_bytes,
        )

    async def close(self) -> None:
        """Nothing is held open."""

    def _find(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        if control.no_cache:
            return Lookup(CacheResult.BYPASS)
        now = self._clock.monotonic()
        result = CacheResult.MISS
        for key in keys:
            slot = self._slots.get(key.digest)
            if slot is None:
                if result is CacheResult.MISS and self._is_superseded(key, now):
                    result = CacheResult.INVALIDATED
                continue
            age_s = max(0.0, now - slot.born_s)
            if judge(age_s, slot.entry.ttl_s, control) is CacheResult.HIT:
                self._slots.move_to_end(key.digest)
                return Lookup(CacheResult.HIT, slot.entry, age_s)
            result = CacheResult.EXPIRED
            # An entry that is merely too old for this request stays for others.
            if not age_s < slot.entry.ttl_s:
                self._drop(key.digest, EvictionReason.EXPIRED)
        return Lookup(result)

    def _is_superseded(self, key: CacheKey, now: float) -> bool:
        """Whether the answer would have been here, had corpus and model stayed as they were."""
        other = self._slots.get(self._latest.get(key.family, ""))
        return other is not None and now - other.born_s < other.entry.ttl_s

    def _put(self, key: CacheKey, entry: CacheEntry, age_s: float) -> bool:
        size = size_bytes(key, entry)
        if not age_s < entry.ttl_s or size > self._max_bytes or self._max_entries < 1:
            return False
        if key.digest in self._slots:
            self._forget(key.digest)
        self._slots[key.digest] = _Slot(entry, key.family, self._clock.monotonic() - age_s, size)
        self._latest[key.family] = key.digest
        self._size += size
        while len(self._slots) > self._max_entries:
            self._evict_oldest(EvictionReason.ENTRIES)
        while self._size > self._max_bytes:
            self._evict_oldest(EvictionReason.BYTES)
        return True

    def _evict_oldest(self, reason: EvictionReason) -> None:
        digest, slot = next(iter(self._slots.items()))
        outlived = not self._clock.monotonic() - slot.born_s < slot.entry.ttl_s
        self._drop(digest, EvictionReason.EXPIRED if outlived else reason)

    def _drop(self, digest: str, reason: EvictionReason) -> None:
        self._forget(digest)
        self._tally.evicted(reason)

    def _forget(self, digest: str) -> None:
        slot = self._slots.pop(digest)
        self._size -= slot.size
        if self._latest.get(slot.family) == digest:
            del self._latest[slot.family]
