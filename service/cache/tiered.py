"""Memory in front of a store that lasts: quick hits, and still hits after a restart."""

from collections import OrderedDict
from dataclasses import replace
from typing import Protocol

from service.cache.memory import MemoryCache
from service.cache.port import Cache, CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, CacheStats, Lookup
from service.cache.tally import Tally
from service.clock import Clock

# Longer than the pause between repeated questions under load, shorter than anybody notices.
_ABSENT_S = 1.0
_MOST_ABSENT = 1024
_ABSENT = frozenset({CacheResult.MISS, CacheResult.INVALIDATED})
_CLEARNESS = (CacheResult.MISS, CacheResult.INVALIDATED, CacheResult.EXPIRED)


class PersistentCache(Cache, Protocol):
    """A cache that lasts, and can be told of hits that memory served in its place."""

    def touch(self, key: CacheKey) -> None:
        """Count an entry as used just now. Must not wait."""
        ...


class TieredCache:
    """Implements `Cache`. The persistent store is asked only for what memory does not have; its hits refill memory.

    Statistics are those of the two together, nothing counted twice: lookups are counted here, and since memory holds
    copies, sizes and evictions are the larger figure of the two (while the store is away, memory's own).

    What the store does not have is not asked for again within `_ABSENT_S`: a hit by the second of two keys would else
    wait for the store each time. Another replica's new entry is seen that much later.
    """

    def __init__(self, memory: MemoryCache, persistent: PersistentCache, clock: Clock) -> None:
        self._memory = memory
        self._persistent = persistent
        self._clock = clock
        self._tally = Tally()
        # Digest -> the vain lookup, and until when it holds; oldest first.
        self._absent: OrderedDict[str, tuple[float, Lookup]] = OrderedDict()

    @property
    def name(self) -> CacheName:
        return self._memory.name

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        if control.no_cache:
            return self._tally.seen(Lookup(CacheResult.BYPASS))
        best = Lookup(CacheResult.MISS)
        for key in keys:
            found = await self._lookup_one(key, control)
            degraded = best.degraded or found.degraded
            if found.entry is not None:
                return self._tally.seen(replace(found, degraded=degraded) if degraded else found)
            best = replace(_clearer(best, found), degraded=degraded)
        return self._tally.seen(best)

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        self._absent.pop(key.digest, None)
        in_memory = await self._memory.store(key, entry, control)
        lasting = await self._persistent.store(key, entry, control)
        return in_memory or lasting

    async def clear(self) -> int:
        return max(await self._memory.clear(), await self._persistent.clear())

    def stats(self) -> CacheStats:
        memory, lasting = self._memory.stats(), self._persistent.stats()
        counted = self._tally.stats(
            entries=max(memory.entries, lasting.entries),
            max_entries=max(memory.max_entries, lasting.max_entries),
            size_bytes=max(memory.size_bytes, lasting.size_bytes),
            max_bytes=max(memory.max_bytes, lasting.max_bytes),
        )
        evictions = {reason: max(count, lasting.evictions.get(reason, 0)) for reason, count in memory.evictions.items()}
        return replace(counted, evictions=evictions)

    async def close(self) -> None:
        await self._memory.close()
        await self._persistent.close()

    async def _lookup_one(self, key: CacheKey, control: CacheControl) -> Lookup:
        quick = await self._memory.lookup((key,), control)
        if quick.entry is not None:
            self._persistent.touch(key)
            return quick
        lasting = await self._ask_store(key, control)
        if lasting.entry is not None:
            self._memory.refill(key, lasting.entry, lasting.age_s)
            return lasting
        return replace(_clearer(quick, lasting), degraded=lasting.degraded)

    async def _ask_store(self, key: CacheKey, control: CacheControl) -> Lookup:
        until_s, vain = self._absent.get(key.digest, (0.0, None))
        if vain is not None and self._clock.monotonic() < until_s:
            return vain
        found = await self._persistent.lookup((key,), control)
        if found.result in _ABSENT and not found.degraded:
            self._absent[key.digest] = (self._clock.monotonic() + _ABSENT_S, found)
            self._absent.move_to_end(key.digest)
            if len(self._absent) > _MOST_ABSENT:
                self._absent.popitem(last=False)
        return found


def _clearer(one: Lookup, other: Lookup) -> Lookup:
    """Of two lookups without an entry, the one that says more about why."""
    return max(one, other, key=lambda lookup: _CLEARNESS.index(lookup.result))
