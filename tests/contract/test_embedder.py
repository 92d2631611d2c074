"""What every embedder must do: the real Ollama, a fake one over HTTP, the cached one, and the fake."""

import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from service.cache.memory import MemoryCache
from service.cache.port import CacheName
from service.clock import SystemClock
from service.embedding.cached import CachedEmbedder
from service.embedding.null import NullEmbedder
from service.embedding.ollama import OllamaEmbedder
from service.embedding.port import Embedder, Purpose
from service.errors import DependencyUnavailable
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory
from tests.components.ollama import RunningOllama
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.ollama_server import FakeOllama

MODEL = "nomic-embed-text"
TEXTS = ("momentum trading follows a move", "the relative strength index", "a stop loss limits a loss")
# Batches may be computed in another order than single texts.
SAME = 1e-3


async def over_http(url: str) -> AsyncIterator[Embedder]:
    client = make_client(url)
    clock = SystemClock()
    directory = OllamaModelDirectory(client, (MODEL,), clock)
    await directory.refresh()
    embedder = OllamaEmbedder(client, MODEL, snapshot=directory.snapshot, clock=clock, identify_s=20.0)
    yield embedder
    await embedder.close()
    await client.close()


@pytest.fixture(params=["fake", "fake server", "cached", pytest.param("real", marks=pytest.mark.real)])
async def embedder(request: pytest.FixtureRequest) -> AsyncIterator[Embedder]:
    if request.param == "fake":
        yield FakeEmbedder(MODEL)
    elif request.param == "cached":
        cache = MemoryCache(CacheName.EMBEDDING, 100, 1 << 20, SystemClock())
        yield CachedEmbedder(FakeEmbedder(MODEL), cache, SystemClock())
    elif request.param == "fake server":
        async with FakeOllama() as server:
            async for made in over_http(server.url):
                yield made
    else:
        real: RunningOllama = request.getfixturevalue("real_ollama")
        async for made in over_http(real.url):
            yield made


def distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return 1 - sum(a * b for a, b in zip(one, other, strict=True))


async def test_says_who_it_is_and_keeps_to_it(embedder: Embedder) -> None:
    first = await embedder.identify()
    assert first is not None
    assert first.model == embedder.model == MODEL
    assert first.digest
    assert first.dimensions > 0
    assert await embedder.identify() == first
    assert (await embedder.embed(TEXTS[:1])).embedder == first


async def test_gives_one_unit_vector_per_text_in_order(embedder: Embedder) -> None:
    made = await embedder.embed(TEXTS, purpose=Purpose.DOCUMENT)
    assert len(made.vectors) == len(TEXTS)
    assert {len(vector) for vector in made.vectors} == {made.embedder.dimensions}
    assert all(math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-6) for vector in made.vectors)
    for text, vector in zip(TEXTS, made.vectors, strict=True):
        alone = (await embedder.embed([text], purpose=Purpose.DOCUMENT)).vectors[0]
        assert distance(alone, vector) < SAME


async def test_the_same_text_gives_the_same_vector(embedder: Embedder) -> None:
    first = (await embedder.embed(TEXTS[:1])).vectors[0]
    again = (await embedder.embed(TEXTS[:1])).vectors[0]
    assert distance(first, again) < 1e-5


async def test_figures_are_not_negative(embedder: Embedder) -> None:
    made = await embedder.embed(TEXTS)
    assert made.input_tokens > 0
    assert made.total_s >= 0
    assert made.load_s >= 0
    assert not made.cached


async def test_a_batch_of_ingestion_size(embedder: Embedder) -> None:
    texts = [f"passage number {number} about trading" for number in range(64)]
    assert len((await embedder.embed(texts, purpose=Purpose.DOCUMENT)).vectors) == 64


async def test_a_text_that_is_far_too_long_is_cut_and_not_refused(embedder: Embedder) -> None:
    assert len((await embedder.embed(["a trend " * 4000], purpose=Purpose.DOCUMENT)).vectors) == 1


async def test_calls_at_the_same_time_do_not_mix(embedder: Embedder) -> None:
    alone = [(await embedder.embed([text])).vectors[0] for text in TEXTS]
    together = await asyncio.gather(*(embedder.embed([text]) for text in TEXTS))
    assert all(distance(one, made.vectors[0]) < SAME for one, made in zip(alone, together, strict=True))


@pytest.mark.parametrize("kind", ["null", "fake", "no server", "not installed"])
async def test_one_that_is_not_there_says_so_without_raising_and_refuses_to_embed(kind: str) -> None:
    server = FakeOllama([])
    await server.start()
    client = make_client(server.url)
    directory = OllamaModelDirectory(client, (MODEL,), SystemClock())
    if kind == "no server":
        await server.kill()
    await directory.refresh()
    fake = FakeEmbedder(MODEL)
    fake.away = True
    remote = OllamaEmbedder(client, MODEL, snapshot=directory.snapshot, clock=SystemClock())
    absent: Embedder = {"null": NullEmbedder(), "fake": fake}.get(kind, remote)
    try:
        assert await absent.identify() is None
        with pytest.raises(DependencyUnavailable) as caught:
            await absent.embed(["momentum"])
        assert caught.value.detail
    finally:
        await remote.close()
        await client.close()
        await server.kill()
