"""Counting what a cache did since start."""

from service.cache.port import CacheResult, CacheStats, EvictionReason, Lookup


class Tally:
    """Counters of one cache. Every key is there from the start, so another thread may read while they grow."""

    def __init__(self) -> None:
        self._results = dict.fromkeys(CacheResult, 0)
        self._evictions = dict.fromkeys(EvictionReason, 0)
        self._saved_s = 0.0

    def seen(self, lookup: Lookup) -> Lookup:
        """Count a lookup, and hand it on."""
        self._results[lookup.result] += 1
        if lookup.entry is not None:
            self._saved_s += lookup.entry.cost_s
        return lookup

    def evicted(self, reason: EvictionReason, count: int = 1) -> None:
        self._evictions[reason] += count

    def stats(self, *, entries: int, max_entries: int, size_bytes: int, max_bytes: int) -> CacheStats:
        """A copy of the counters beside the present size."""
        return CacheStats(
            results=dict(self._results),
            entries=entries,
            max_entries=max_entries,
            size_bytes=size_bytes,
            max_bytes=max_bytes,
            evictions=dict(self._evictions),
            saved_s=self._saved_s,
        )
