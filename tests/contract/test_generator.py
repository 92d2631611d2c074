"""What every generator must do: the real Ollama, a fake one over HTTP, the scripted one, and the fake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest

from service.clock import SystemClock
from service.errors import DependencyTimeout, ErrorKind, UnknownModel
from service.generation.breaker import Breakers
from service.generation.ollama import OllamaGenerator
from service.generation.port import Chunk, Completion, FinishReason, GenerationRequest, Generator, Message
from service.generation.scripted import ScriptedGenerator
from service.ollama.client import make_client
from service.routing.ollama import OllamaModelDirectory
from service.routing.port import Tier
from tests.components.ollama import RunningOllama
from tests.fakes.generator import FakeGenerator
from tests.fakes.ollama_server import FakeOllama

MODEL = "llama3.2:3b"
MISSING = "not-there:1b"
PROMPT = (
    '<document number="1" source="a.md">\nMomentum trading follows a move that has already begun.\n</document>\n\n'
    "Question: What is momentum trading?"
)
REQUEST = GenerationRequest(
    MODEL, (Message("system", "Be brief."), Message("user", PROMPT)), Tier.SIMPLE, 0.0, 12, deadline_s=30.0
)
ROUNDING_S = 1e-6
FIRST_TOKEN_S = 10.0  # a tiny model loads in less than a second


@dataclass
class Said:
    """One whole stream."""

    chunks: list[Chunk]
    completion: Completion

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks if not chunk.thinking)


async def listen(generator: Generator, request: GenerationRequest = REQUEST) -> Said:
    chunks: list[Chunk] = []
    ends: list[Completion] = []
    async with aclosing(generator.generate(request)) as stream:
        async for item in stream:
            assert not ends, "something came after the completion"
            if isinstance(item, Completion):
                ends.append(item)
            else:
                chunks.append(item)
    assert len(ends) == 1
    return Said(chunks, ends[0])


async def listen_after_leaving(generator: Generator) -> Said:
    """A real Ollama 0.24 may be stuck after a caller has left; the generator then frees it at the cost of one call."""
    try:
        return await listen(generator)
    except DependencyTimeout:
        assert isinstance(generator, OllamaGenerator)
        return await listen(generator)


async def over_http(url: str) -> AsyncIterator[Generator]:
    client = make_client(url)
    clock = SystemClock()
    directory = OllamaModelDirectory(client, (MODEL, MISSING), clock)
    await directory.refresh()
    yield OllamaGenerator(
        client,
        breakers=Breakers(clock),
        snapshot=directory.snapshot,
        clock=clock,
        first_token_s=FIRST_TOKEN_S,
    )
    await client.close()


@pytest.fixture(params=["scripted", "fake", "fake server", pytest.param("real", marks=pytest.mark.real)])
async def generator(request: pytest.FixtureRequest) -> AsyncIterator[Generator]:
    if request.param == "scripted":
        yield ScriptedGenerator(SystemClock(), models=(MODEL,))
    elif request.param == "fake":
        yield FakeGenerator(missing=(MISSING,))
    elif request.param == "fake server":
        async with FakeOllama() as server:
            async for made in over_http(server.url):
                yield made
    else:
        real: RunningOllama = request.getfixturevalue("real_ollama")
        async for made in over_http(real.url):
            yield made


async def test_streams_pieces_and_then_one_completion(generator: Generator) -> None:
    said = await listen(generator)
    assert said.text.strip()
    assert all(chunk.text for chunk in said.chunks)
    end = said.completion
    assert end.model == MODEL
    assert end.digest
    assert end.output_tokens >= 1
    assert end.input_tokens > 0
    assert not end.prompt_truncated


async def test_times_are_ordered_and_the_parts_fit_into_the_whole(generator: Generator) -> None:
    end = (await listen(generator)).completion
    assert 0 <= end.first_chunk_s <= end.first_answer_s <= end.total_s
    parts = (end.queue_s, end.load_s, end.prompt_eval_s, end.eval_s)
    assert min(parts) >= 0
    assert sum(parts) <= end.total_s + ROUNDING_S


async def test_the_same_request_gives_the_same_answer(generator: Generator) -> None:
    assert (await listen(generator)).text == (await listen(generator)).text


async def test_stops_at_the_token_limit_and_says_so(generator: Generator) -> None:
    end = (await listen(generator, replace(REQUEST, max_tokens=1))).completion
    assert end.finish is FinishReason.LENGTH
    assert end.output_tokens == 1


async def test_a_model_that_is_not_there_is_refused_by_its_kind(generator: Generator) -> None:
    with pytest.raises(UnknownModel) as caught:
        await listen(generator, replace(REQUEST, model=MISSING))
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
    assert MISSING in caught.value.detail


async def test_a_spent_deadline_is_a_timeout(generator: Generator) -> None:
    with pytest.raises(DependencyTimeout) as caught:
        await listen(generator, replace(REQUEST, deadline_s=0.0))
    assert caught.value.kind is ErrorKind.TIMEOUT
    assert MODEL in caught.value.detail


async def test_closing_early_leaves_it_ready_for_the_next_call(generator: Generator) -> None:
    stream = generator.generate(REQUEST)
    assert isinstance(await anext(stream), Chunk)
    await stream.aclose()
    assert (await listen_after_leaving(generator)).text.strip()


async def test_a_cancelled_call_leaves_it_ready_for_the_next_one(generator: Generator) -> None:
    task = asyncio.create_task(listen(generator))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await listen_after_leaving(generator)).text.strip()


async def test_calls_at_the_same_time_do_not_mix(generator: Generator) -> None:
    alone = await listen(generator)
    together = await asyncio.gather(*(listen(generator) for _ in range(4)))
    assert {said.text for said in together} == {alone.text}
