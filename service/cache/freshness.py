"""How long an entry lives, how large it counts, and whether a request may have it: the same for every store."""

from dataclasses import replace

from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheResult
from service.clock import Clock

# What one entry costs beside its strings and payload: objects and dictionary slots in memory, a row and its indexes on
# disk. Measured at about 600 bytes in memory with `tracemalloc`; one figure for all, so that limits compare.
ENTRY_OVERHEAD_BYTES = 600


def size_bytes(key: CacheKey, entry: CacheEntry) -> int:
    """What an entry counts against `max_bytes`."""
    return len(entry.payload) + len(key.digest) + len(key.family) + ENTRY_OVERHEAD_BYTES


def to_keep(entry: CacheEntry, control: CacheControl) -> CacheEntry | None:
    """The entry with the time to live that the request allows: at most its own. None: do not store."""
    if control.no_store:
        return None
    if control.ttl_s is None or control.ttl_s >= entry.ttl_s:
        return entry
    return replace(entry, ttl_s=control.ttl_s)


def judge(age_s: float, ttl_s: float, control: CacheControl) -> CacheResult:
    """HIT, or EXPIRED when the entry has outlived its time or is older than this request accepts."""
    if not age_s < ttl_s:
        return CacheResult.EXPIRED
    if control.s_maxage_s is not None and not age_s <= control.s_maxage_s:
        return CacheResult.EXPIRED
    return CacheResult.HIT


def age_when_stored_s(entry: CacheEntry, clock: Clock) -> float:
    """Seconds since an entry was made, by the wall clock; 0 when that clock was set back meanwhile."""
    return max(0.0, clock.time() - entry.created_at)
