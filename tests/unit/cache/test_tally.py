"""Counters."""

from service.cache.port import CacheEntry, CacheResult, EvictionReason, Lookup
from service.cache.tally import Tally


def test_counts_results_evictions_and_saved_time_and_hands_out_copies() -> None:
    tally = Tally()
    hit = Lookup(CacheResult.HIT, CacheEntry(b"", 0, 1, cost_s=1.5))
    assert tally.seen(hit) is hit
    tally.seen(hit)
    tally.evicted(EvictionReason.BYTES, 3)
    before = tally.stats(entries=1, max_entries=2, size_bytes=3, max_bytes=4)
    tally.seen(Lookup(CacheResult.MISS))
    assert (before.results[CacheResult.HIT], before.results[CacheResult.MISS], before.saved_s) == (2, 0, 3.0)
    assert (before.entries, before.max_entries, before.size_bytes, before.max_bytes) == (1, 2, 3, 4)
    assert before.evictions[EvictionReason.BYTES] == 3


def test_every_key_is_there_from_the_start() -> None:
    stats = Tally().stats(entries=0, max_entries=0, size_bytes=0, max_bytes=0)
    assert set(stats.results) == set(CacheResult)
    assert set(stats.evictions) == set(EvictionReason)
