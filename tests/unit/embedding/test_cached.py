"""Vectors of questions are kept; nothing else is, and nothing wrong is believed."""

import pytest

from service.cache.port import CacheName
from service.embedding.cached import CachedEmbedder
from service.embedding.port import Purpose
from service.errors import DependencyUnavailable
from tests.fakes.cache import FakeCache
from tests.fakes.clock import ManualClock
from tests.fakes.embedder import FakeEmbedder


class Rig:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.inner = FakeEmbedder("nomic-embed-text", dimensions=8)
        self.cache = FakeCache(CacheName.EMBEDDING, self.clock)
        self.embedder = CachedEmbedder(self.inner, self.cache, self.clock, ttl_s=60.0)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_the_second_time_costs_nothing(rig: Rig) -> None:
    first = await rig.embedder.embed(["momentum"])
    again = await rig.embedder.embed(["momentum"])
    assert len(rig.inner.calls) == 1
    assert not first.cached
    assert again.cached
    assert again.embedder == first.embedder
    assert again.vectors[0] == pytest.approx(first.vectors[0], abs=1e-6)
    assert (again.input_tokens, again.total_s, again.load_s) == (0, 0.0, 0.0)


async def test_a_vector_takes_four_bytes_per_dimension(rig: Rig) -> None:
    await rig.embedder.embed(["momentum"])
    ((_, entry, _),) = rig.cache.stores
    assert len(entry.payload) == 4 * 8
    assert entry.ttl_s == 60.0
    assert entry.created_at == rig.clock.time()


async def test_documents_and_batches_are_not_kept(rig: Rig) -> None:
    await rig.embedder.embed(["momentum"], purpose=Purpose.DOCUMENT)
    await rig.embedder.embed(["momentum", "rsi"])
    assert not rig.cache.lookups
    assert not rig.cache.stores


@pytest.mark.parametrize(("field", "value"), [("digest", "d2"), ("dimensions", 16)])
async def test_another_embedder_does_not_get_the_old_vectors(rig: Rig, field: str, value: object) -> None:
    await rig.embedder.embed(["momentum"])
    setattr(rig.inner, field, value)
    again = await rig.embedder.embed(["momentum"])
    assert not again.cached
    assert len(again.vectors[0]) == again.embedder.dimensions


async def test_a_model_replaced_while_it_worked_is_not_kept_under_the_old_name(rig: Rig) -> None:
    async def replaced() -> object:
        known = await FakeEmbedder.identify(rig.inner)
        rig.inner.digest = "d2"
        return known

    rig.inner.identify = replaced  # type: ignore[method-assign,assignment]
    made = await rig.embedder.embed(["momentum"])
    assert made.embedder.digest == "d2"
    assert not rig.cache.stores


async def test_nonsense_in_the_cache_is_made_again(rig: Rig) -> None:
    await rig.embedder.embed(["momentum"])
    ((key, entry, control),) = rig.cache.stores
    await rig.cache.store(key, type(entry)(b"nonsense", entry.created_at, entry.ttl_s), control)
    assert not (await rig.embedder.embed(["momentum"])).cached


async def test_a_broken_cache_is_an_empty_one(rig: Rig) -> None:
    rig.cache.broken = True
    for _ in range(2):
        assert not (await rig.embedder.embed(["momentum"])).cached


async def test_an_absent_embedder_stays_absent(rig: Rig) -> None:
    rig.inner.away = True
    assert await rig.embedder.identify() is None
    with pytest.raises(DependencyUnavailable):
        await rig.embedder.embed(["momentum"])
    assert rig.embedder.model == "nomic-embed-text"
