"""The cache's port and values. A caller must assume that any key may be empty and that storing may do nothing.

Keys carry everything an answer depends on (see `key.py`), so nothing is ever invalidated by a call: a changed corpus
or model simply asks for another key. Values are bytes (JSON), never pickles.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class CacheResult(StrEnum):
    """Outcome of one lookup."""

    HIT = "hit"
    MISS = "miss"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    BYPASS = "bypass"
    COALESCED = "coalesced"


class CacheName(StrEnum):
    """The three caches."""

    ANSWER = "answer"
    PROMPT = "prompt"
    EMBEDDING = "embedding"


class EvictionReason(StrEnum):
    """Why an entry left."""

    ENTRIES = "entries"
    BYTES = "bytes"
    EXPIRED = "expired"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class CacheControl:
    """A request's own wishes: skip reading, skip storing, keep at most `ttl_s`, accept at most `s_maxage_s` old."""

    no_cache: bool = False
    no_store: bool = False
    ttl_s: float | None = None
    s_maxage_s: float | None = None


@dataclass(frozen=True, slots=True)
class CacheKey:
    """`digest` names the entry; `family` is the same without corpus version and model digest.

    A family that is known under another digest makes a miss an `invalidated`: the answer was there, the world changed.
    """

    digest: str
    family: str


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """What is stored. `created_at` in Unix seconds; `cost_s` is what making it took, and what a hit saves."""

    payload: bytes
    created_at: float
    ttl_s: float
    cost_s: float = 0.0
    origin_trace_id: str = ""
    origin_span_id: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Result of a lookup; `entry` and `age_s` are set on a hit only. `degraded` is True when a store failed."""

    result: CacheResult
    entry: CacheEntry | None = None
    age_s: float = 0.0
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counters since start and the present size."""

    results: Mapping[CacheResult, int] = field(default_factory=dict)
    entries: int = 0
    max_entries: int = 0
    size_bytes: int = 0
    max_bytes: int = 0
    evictions: Mapping[EvictionReason, int] = field(default_factory=dict)
    saved_s: float = 0.0


class Cache(Protocol):
    """One cache. No method raises for a broken store: it answers a miss with `degraded=True`, or stores nothing."""

    @property
    def name(self) -> CacheName: ...

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        """The first of `keys` that is there, fresh, and young enough for `control`. Best key first."""
        ...

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        """Keep `entry` unless `control` forbids it; True when kept."""
        ...

    async def clear(self) -> int:
        """Drop everything; the number of entries dropped."""
        ...

    def stats(self) -> CacheStats: ...

    async def close(self) -> None: ...
