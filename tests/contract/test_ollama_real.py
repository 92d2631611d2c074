"""What only the real Ollama can prove: that leaving frees the model, what a cold start is, and that nothing reloads."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from service.clock import SystemClock
from service.embedding.ollama import OllamaEmbedder
from service.errors import BadDependencyReply, DependencyTimeout, DependencyUnavailable, ErrorKind
from service.generation.breaker import Breakers
from service.generation.ollama import OllamaGenerator
from service.generation.port import Completion, FinishReason, GenerationRequest, Message
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory
from service.routing.port import Tier
from tests.components import tiny_gguf
from tests.components.fixtures import require
from tests.components.ollama import RunningOllama

pytestmark = pytest.mark.real

SHORT, ENDLESS, EMBEDDING = "llama3.2:3b", "endless:1b", "nomic-embed-text"
ASKED = (Message("user", "What is momentum trading?"),)
REQUEST = GenerationRequest(SHORT, ASKED, Tier.SIMPLE, 0.0, 20, deadline_s=240.0)
# Some ten thousand tokens take the tiny model many seconds.
LONG = replace(REQUEST, model=ENDLESS, max_tokens=20_000)
BRIEF = replace(REQUEST, model=ENDLESS, max_tokens=5)


@pytest.fixture(scope="module")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOllama]:
    folder = tmp_path_factory.mktemp("ollama")
    with RunningOllama(require("ollama"), folder, chat_models=(SHORT,)) as running:
        model = folder / "endless.gguf"
        tiny_gguf.write_chat_model(model, seed=3, ends=False)
        running.create(ENDLESS, model.read_bytes())
        yield running


@dataclass
class Rig:
    directory: OllamaModelDirectory
    generator: OllamaGenerator
    embedder: OllamaEmbedder

    async def answer(self, request: GenerationRequest = REQUEST) -> Completion:
        async with aclosing(self.generator.generate(request)) as stream:
            last = [item async for item in stream][-1]
        assert isinstance(last, Completion)
        return last

    async def answer_after_one_left(self) -> Completion:
        """Ollama 0.24 now and then hangs its model's process when a caller leaves (see `ollama_unload`). That is not
        ours to mend; ours is that it costs one answer, and that the next comes from a process loaded afresh."""
        try:
            return await self.answer(BRIEF)
        except DependencyTimeout:
            return await self.answer(BRIEF)


async def make(url: str, num_ctx: int = 8192) -> AsyncIterator[Rig]:
    client, clock = make_client(url), SystemClock()
    directory = OllamaModelDirectory(client, (SHORT, ENDLESS, EMBEDDING), clock, num_ctx=num_ctx)
    await directory.refresh()
    generator = OllamaGenerator(
        client, breakers=Breakers(clock), snapshot=directory.snapshot, clock=clock, num_ctx=num_ctx
    )
    embedder = OllamaEmbedder(client, EMBEDDING, snapshot=directory.snapshot, clock=clock)
    yield Rig(directory, generator, embedder)
    await embedder.close()
    await client.close()


@pytest.fixture
async def rig(ollama: RunningOllama) -> AsyncIterator[Rig]:
    async for made in make(ollama.url):
        yield made


def found_the_slot_free(answer: Completion) -> bool:
    """There is one slot: had the abandoned answer gone on, this one would have waited for the rest of it, which takes
    seconds at the speed that this machine has just now. Half of that is far from either, on a busy machine too."""
    rest_s = LONG.max_tokens * answer.eval_s / answer.output_tokens
    return answer.queue_s < 0.5 * rest_s


async def test_leaving_frees_the_only_slot(rig: Rig) -> None:
    await rig.directory.preload(ENDLESS)
    for _ in range(5):
        stream = rig.generator.generate(LONG)
        for _ in range(3):
            await anext(stream)
        await stream.aclose()
        assert found_the_slot_free(await rig.answer_after_one_left())


async def test_a_cancelled_answer_frees_it_too(rig: Rig) -> None:
    await rig.directory.preload(ENDLESS)
    first = asyncio.Event()

    async def listen() -> None:
        async with aclosing(rig.generator.generate(LONG)) as stream:
            async for _ in stream:
                first.set()

    task = asyncio.create_task(listen())
    await asyncio.wait_for(first.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert found_the_slot_free(await rig.answer_after_one_left())


async def test_a_model_out_of_memory_makes_the_answer_cold_and_a_loaded_one_does_not(
    ollama: RunningOllama, rig: Rig
) -> None:
    ollama.unload(SHORT)
    assert not (await rig.directory.refresh()).models[SHORT].resident
    cold = await rig.answer()
    assert cold.cold
    assert cold.load_s > 0.1
    assert not (await rig.answer()).cold, "the poll is old, the load is not there"
    assert (await rig.directory.refresh()).models[SHORT].resident
    assert not (await rig.answer()).cold


async def test_an_answer_after_a_preload_does_not_load_again(ollama: RunningOllama, rig: Rig) -> None:
    ollama.unload(SHORT)
    await rig.directory.preload(SHORT)
    state = rig.directory.snapshot().models[SHORT]
    assert state.resident
    assert state.context_length == 8192
    answer = await rig.answer()
    assert not answer.cold
    assert answer.load_s < cold_load_s(ollama)
    assert answer.digest == state.digest


def cold_load_s(ollama: RunningOllama) -> float:
    """What loading takes here and now, on whatever machine this is."""
    ollama.unload(SHORT)
    body = {"model": SHORT, "prompt": "what", "stream": False, "options": {"num_predict": 1}}
    return float(ollama.request("POST", "/api/generate", body)["load_duration"]) / 1e9


async def test_parallel_answers_wait_for_one_another_and_the_wait_is_the_queue(rig: Rig) -> None:
    await rig.directory.preload(ENDLESS)
    request = replace(LONG, max_tokens=20)
    answers = await asyncio.gather(*(rig.answer(request) for _ in range(3)))
    queues = sorted(answer.queue_s for answer in answers)
    assert queues[0] < queues[1] < queues[2]
    shortest = min(answer.eval_s for answer in answers)
    assert queues[2] > shortest
    for answer in answers:
        assert answer.finish is FinishReason.LENGTH
        assert answer.output_tokens == 20
        parts = answer.queue_s + answer.load_s + answer.prompt_eval_s + answer.eval_s
        assert parts <= answer.total_s + 1e-6


async def test_a_prompt_that_is_cut_is_told(ollama: RunningOllama) -> None:
    async for rig in make(ollama.url, num_ctx=512):
        long = replace(REQUEST, messages=(Message("user", "the price of a market " * 300),))
        cut = await rig.answer(long)
        assert cut.prompt_truncated
        assert cut.input_tokens == 512
        assert not (await rig.answer()).prompt_truncated


async def test_asking_an_embedder_to_chat_is_a_bad_request(rig: Rig) -> None:
    with pytest.raises(BadDependencyReply) as caught:
        await rig.answer(replace(REQUEST, model=EMBEDDING))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


async def test_what_models_can_do_is_known(rig: Rig) -> None:
    models = rig.directory.snapshot().models
    assert models[SHORT].capabilities == {"completion"}
    assert models[EMBEDDING].capabilities == {"embedding"}


@pytest.mark.slow
async def test_a_server_that_dies_in_the_middle_and_comes_back(tmp_path: Path) -> None:
    with RunningOllama(require("ollama"), tmp_path, chat_models=()) as own:
        model = tmp_path / "endless.gguf"
        tiny_gguf.write_chat_model(model, seed=3, ends=False)
        own.create(ENDLESS, model.read_bytes())
        async for rig in make(own.url):
            assert await rig.embedder.identify() is not None
            async with aclosing(rig.generator.generate(LONG)) as stream:
                await anext(stream)
                own.kill()
                with pytest.raises(BadDependencyReply) as caught:
                    async for _ in stream:
                        pass
            assert caught.value.kind is ErrorKind.STREAM_ERROR
            with pytest.raises(DependencyUnavailable):
                await rig.answer(BRIEF)
            with pytest.raises(DependencyUnavailable):
                await rig.embedder.embed(["momentum"])
            known = rig.directory.snapshot().models[ENDLESS].digest
            assert not (await rig.directory.refresh()).reachable
            assert rig.directory.snapshot().models[ENDLESS].digest == known
            assert await rig.embedder.identify() is None
            own.start()
            assert (await rig.directory.refresh()).reachable
            assert (await rig.answer(BRIEF)).output_tokens == 5
            assert await rig.embedder.identify() is not None
