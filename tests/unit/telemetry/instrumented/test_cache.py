"""Lookups and stores, as spans and as counts."""

import pytest

from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheName, CacheResult
from service.telemetry.instrumented.cache import InstrumentedCache
from tests.fakes.cache import FakeCache
from tests.telemetry.recorder import Recorder

KEY = CacheKey("digest", "family")


def entry(recorder: Recorder) -> CacheEntry:
    return CacheEntry(b"payload", recorder.clock.time(), 60.0, 2.5, "a" * 32, "b" * 16)


@pytest.mark.parametrize("name", [CacheName.ANSWER, CacheName.PROMPT])
async def test_a_miss_a_store_and_a_hit(name: CacheName) -> None:
    recorder = Recorder()
    inner = FakeCache(name, recorder.clock)
    cache = InstrumentedCache(inner, recorder.stages, recorder.meters)
    kept = entry(recorder)
    assert (await cache.lookup((KEY,), CacheControl())).result is CacheResult.MISS
    assert await cache.store(KEY, kept, CacheControl())
    recorder.clock.advance(7.0)
    assert (await cache.lookup((KEY,), CacheControl())).entry is kept
    missed, stored, hit = recorder.spans()
    assert dict(missed.attributes) == {"rag.cache.name": name.value, "rag.cache.result": "miss"}
    assert dict(stored.attributes) == {
        "rag.cache.name": name.value,
        "rag.cache.stored": True,
        "rag.cache.bytes": 7,
    }
    assert (stored.name, hit.name) == ("cache store", "cache lookup")
    assert (hit.attributes["rag.cache.age_s"], hit.attributes["rag.cache.saved_s"]) == (7.0, 2.5)
    assert hit.links[0].context.trace_id == int("a" * 32, 16)
    for result in ("hit", "miss"):
        assert recorder.sample("rag_cache_requests_total", cache=name.value, result=result) == 1
    assert recorder.sample("rag_cache_hit_age_seconds_sum", cache=name.value) == 7.0


async def test_vectors_are_counted_without_spans() -> None:
    recorder = Recorder()
    cache = InstrumentedCache(FakeCache(CacheName.EMBEDDING, recorder.clock), recorder.stages, recorder.meters)
    await cache.store(KEY, entry(recorder), CacheControl())
    await cache.lookup((KEY,), CacheControl())
    assert recorder.spans() == ()
    assert recorder.sample("rag_cache_requests_total", cache="embedding", result="hit") == 1


async def test_the_rest_passes_through() -> None:
    recorder = Recorder()
    inner = FakeCache(CacheName.ANSWER, recorder.clock)
    cache = InstrumentedCache(inner, recorder.stages, recorder.meters)
    await cache.store(KEY, entry(recorder), CacheControl())
    assert (cache.name, cache.stats()) == (CacheName.ANSWER, inner.stats())
    assert await cache.clear() == 1
    await cache.close()
    assert inner.closed
