"""A cache for tests: behaves like the one in memory, writes down every call, and can be told to fail or to answer."""

from collections import deque

from service.cache.memory import MemoryCache
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, Lookup
from service.clock import Clock
from tests.fakes.clock import ManualClock


class FakeCache(MemoryCache):
    """Implements `Cache`. `broken` makes it a store that is away; `scripted` lookups are handed out first."""

    def __init__(
        self,
        name: CacheName = CacheName.ANSWER,
        clock: Clock | None = None,
        *,
        max_entries: int = 1000,
        max_bytes: int = 1 << 26,
    ) -> None:
        super().__init__(name, max_entries, max_bytes, clock or ManualClock())
        self.broken = False
        self.closed = False
        self.scripted: deque[Lookup] = deque()
        self.lookups: list[tuple[tuple[CacheKey, ...], CacheControl]] = []
        self.stores: list[tuple[CacheKey, CacheEntry, CacheControl]] = []

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        self.lookups.append((keys, control))
        if self.scripted:
            return self._tally.seen(self.scripted.popleft())
        if self.broken and not control.no_cache:
            return self._tally.seen(Lookup(CacheResult.MISS, degraded=True))
        return await super().lookup(keys, control)

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        self.stores.append((key, entry, control))
        return False if self.broken else await super().store(key, entry, control)

    async def close(self) -> None:
        self.closed = True
