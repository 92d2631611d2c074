"""Clients that we did not write: the script this service grew out of, unchanged, and OpenAI's Python client."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from service.ask.types import Failed, Outcome, Started, Timings
from service.auth.principal import Scope
from service.errors import ErrorKind, Overloaded, ServiceError
from service.monitoring.port import QueryType
from tests.fakes.monitor import NOTHING_YET
from tests.fakes.services import ANSWER, LARGE, ROUTE, SCRIPT, SMALL, TRACE, FakeGate, FakeServices
from tests.serving import WAIT_S, Serving, serving

SEED_CLIENT = Path(__file__).parents[1] / "fixtures" / "seed_client.py"
MESSAGES: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "What is momentum?"}]


async def run_seed_client(served: Serving) -> str:
    """The script asks localhost:8002; its requests reach any port through `http_proxy`, so it needs no change."""
    environment = {"PATH": os.environ["PATH"], "http_proxy": served.url, "PYTHONIOENCODING": "utf-8"}

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SEED_CLIENT)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=True)

    return (await asyncio.to_thread(run)).stdout


async def test_the_seeds_client_gets_its_five_answers_and_its_metrics() -> None:
    fakes = FakeServices()
    fakes.monitor.current = replace(
        NOTHING_YET, total=5, mean_s=1.25, min_s=0.5, max_s=2.0, query_types={QueryType.NORMAL: 5}
    )
    async with serving(fakes) as served:
        said = await run_seed_client(served)
    assert said.count("Success") == 5
    assert said.count(f"Answer length: {len(ANSWER.text)}") == 5
    assert said.count("Citations: 1") == 5
    assert "Total queries: 5" in said
    assert "Avg response time: 1.25s" in said
    assert "Hit rate: 0.00%" in said
    assert "Failed" not in said
    assert {question.max_tokens for question in fakes.asker.questions} == {1000}


async def test_the_seeds_client_before_the_first_answer() -> None:
    fakes = FakeServices()
    fakes.asker.script = [Failed(ServiceError(ErrorKind.TIMEOUT, "late"), Outcome.ERROR, Timings(1.0))]
    async with serving(fakes) as served:
        said = await run_seed_client(served)
    assert said.count("Failed: 504") == 5
    assert "Avg response time: 0.00s" in said


class Chat:
    """A service that asks for a key, and OpenAI's client with one."""

    def __init__(self, fakes: FakeServices, client: openai.AsyncOpenAI) -> None:
        self.fakes = fakes
        self.client = client


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    gate = FakeGate()
    fakes = FakeServices(gate)
    key = gate.key(Scope.ASK)["authorization"].removeprefix("Bearer ")
    async with (
        serving(fakes) as served,
        openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0, timeout=WAIT_S) as client,
    ):
        yield Chat(fakes, client)


async def test_a_completion(chat: Chat) -> None:
    reply = await chat.client.chat.completions.create(model="auto", messages=MESSAGES, temperature=0.5, max_tokens=50)
    assert reply.choices[0].message.content == ANSWER.text
    assert (reply.model, reply.choices[0].finish_reason) == (SMALL, "stop")
    assert reply.usage is not None
    assert reply.usage.total_tokens == 129
    assert reply.model_extra is not None
    assert reply.model_extra["rag"]["citations"][0]["source"] == "momentum.md"
    assert (chat.fakes.asker.questions[0].temperature, chat.fakes.asker.questions[0].max_tokens) == (0.5, 50)


async def test_a_stream(chat: Chat) -> None:
    stream = await chat.client.chat.completions.create(
        model="auto", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == ANSWER.text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 120
    assert chunks[-2].model_extra is not None
    assert chunks[-2].model_extra["rag"]["trace_id"] == TRACE.trace_id


async def test_the_raw_reply_has_the_headers(chat: Chat) -> None:
    raw = await chat.client.chat.completions.with_raw_response.create(model="auto", messages=MESSAGES)
    assert raw.headers["x-trace-id"] == TRACE.trace_id
    assert raw.headers["x-rag-cache"] == "miss"


async def test_models(chat: Chat) -> None:
    assert [model.id async for model in chat.client.models.list()] == ["auto", SMALL, LARGE]
    assert (await chat.client.models.retrieve(LARGE)).id == LARGE
    with pytest.raises(openai.NotFoundError, match="no such model"):
        await chat.client.models.retrieve("gpt-9")


@pytest.mark.parametrize("stream", [False, True])
async def test_being_refused_is_its_own_exception(chat: Chat, stream: bool) -> None:
    full = Failed(Overloaded("17 wait already", retry_after_s=3), Outcome.REJECTED, Timings(0.0))
    chat.fakes.asker.script = [Started(ROUTE), full]
    with pytest.raises(openai.RateLimitError, match="17 wait already") as caught:
        await chat.client.chat.completions.create(model="auto", messages=MESSAGES, stream=stream)
    assert caught.value.response.headers["retry-after"] == "3"
    assert caught.value.code == "overloaded"


async def test_a_stream_that_breaks_raises(chat: Chat) -> None:
    broken = Failed(ServiceError(ErrorKind.STREAM_ERROR, "the model stopped"), Outcome.ERROR, Timings(1.0))
    chat.fakes.asker.script = [*SCRIPT[:2], broken]
    stream = await chat.client.chat.completions.create(model="auto", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError, match="the model stopped"):
        async for _ in stream:
            pass


async def test_bad_questions_and_bad_keys(chat: Chat) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="is empty"):
        await chat.client.chat.completions.create(model="auto", messages=[{"role": "user", "content": " "}])
    with pytest.raises(openai.AuthenticationError):
        await chat.client.with_options(api_key="wrong").chat.completions.create(model="auto", messages=MESSAGES)
