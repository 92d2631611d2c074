"""No cache at all, for an installation or a test that wants none."""

from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult, CacheStats, Lookup
from service.cache.tally import Tally


class NullCache:
    """Implements `Cache`: finds nothing, keeps nothing, and counts the lookups."""

    def __init__(self, name: CacheName) -> None:
        self._name = name
        self._tally = Tally()

    @property
    def name(self) -> CacheName:
        return self._name

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:  # noqa: ARG002
        return self._tally.seen(Lookup(CacheResult.BYPASS if control.no_cache else CacheResult.MISS))

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:  # noqa: ARG002
        return False

    async def clear(self) -> int:
        return 0

    def stats(self) -> CacheStats:
        return self._tally.stats(entries=0, max_entries=0, size_bytes=0, max_bytes=0)

    async def close(self) -> None:
        """Nothing is held open."""
