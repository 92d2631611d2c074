"""`cache lookup` and `cache store`, and the lookups by result. A hit points to the trace that made the answer."""

from service.cache.port import Cache, CacheControl, CacheEntry, CacheKey, CacheName, CacheStats, Lookup
from service.telemetry.catalogue import CACHE_HIT_AGE, CACHE_REQUESTS, Attribute, SpanName
from service.telemetry.meters import Meters
from service.telemetry.stage import Attributes, Stages


class InstrumentedCache:
    """Implements `Cache`. Vectors are looked up by the hundred while documents come in: that cache is only counted."""

    def __init__(self, inner: Cache, stages: Stages, meters: Meters) -> None:
        self._inner = inner
        self._stages = stages
        self._meters = meters
        self._name = inner.name.value
        self._named = {Attribute.CACHE_NAME: self._name}
        self._counted_only = inner.name is CacheName.EMBEDDING

    @property
    def name(self) -> CacheName:
        return self._inner.name

    async def lookup(self, keys: tuple[CacheKey, ...], control: CacheControl) -> Lookup:
        if self._counted_only:
            found = await self._inner.lookup(keys, control)
            self._count(found)
            return found
        with self._stages.start(SpanName.CACHE_LOOKUP, attributes=self._named) as span:
            found = await self._inner.lookup(keys, control)
            span.note(_facts, found)
            if found.entry is not None:
                span.link(found.entry.origin_trace_id, found.entry.origin_span_id)
            self._count(found)
        return found

    async def store(self, key: CacheKey, entry: CacheEntry, control: CacheControl) -> bool:
        if self._counted_only:
            return await self._inner.store(key, entry, control)
        with self._stages.start(SpanName.CACHE_STORE, attributes=self._named) as span:
            stored = await self._inner.store(key, entry, control)
            span.note(lambda: {Attribute.CACHE_STORED: stored, Attribute.CACHE_BYTES: len(entry.payload)})
        return stored

    async def clear(self) -> int:
        return await self._inner.clear()

    def stats(self) -> CacheStats:
        return self._inner.stats()

    async def close(self) -> None:
        await self._inner.close()

    def _count(self, found: Lookup) -> None:
        self._meters.add(CACHE_REQUESTS, cache=self._name, result=found.result)
        if found.entry is not None:
            self._meters.observe(CACHE_HIT_AGE, found.age_s, cache=self._name)


def _facts(found: Lookup) -> Attributes:
    facts: dict[str, str | float] = {Attribute.CACHE_RESULT: found.result.value}
    if found.entry is not None:
        facts |= {Attribute.CACHE_AGE: found.age_s, Attribute.CACHE_SAVED: found.entry.cost_s}
    return facts
