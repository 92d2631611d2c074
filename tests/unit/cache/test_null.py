"""The absent cache."""

from service.cache.null import NullCache
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult


async def test_keeps_nothing_and_counts() -> None:
    cache = NullCache(CacheName.EMBEDDING)
    key = CacheKey("d", "f")
    assert not await cache.store(key, CacheEntry(b"", 0, 60), CacheControl())
    assert (await cache.lookup((key,), CacheControl())).result is CacheResult.MISS
    assert (await cache.lookup((key,), CacheControl(no_cache=True))).result is CacheResult.BYPASS
    assert await cache.clear() == 0
    assert sum(cache.stats().results.values()) == 2
    assert cache.name is CacheName.EMBEDDING
    await cache.close()
