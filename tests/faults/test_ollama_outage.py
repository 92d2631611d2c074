"""Breakers before a model server that keeps failing: left alone after five failures, tried by one, and well by itself.

The server is looked at once, at the start, so that only the questions themselves can find out how it fares.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.components.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama, Fault
from tests.faults.stand import CHAT, MODEL, PATIENCE_S, answering, assert_calm, client, question, until

CLOSED, HALF_OPEN, OPEN = 0, 1, 2
FAILURES = 5
AT_ONCE = 12


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama([FakeModel(MODEL, resident=True)], slots=AT_ONCE).in_thread() as running:
        yield running


@pytest.fixture
def service(ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with answering(
        tmp_path_factory.mktemp("outage"), ollama, RAG_OLLAMA__POLL_S="3600", RAG_ADMISSION__SLOTS=str(AT_ONCE)
    ) as running:
        yield running
    assert_calm(running)


def breaker(service: RunningService, name: str) -> float:
    return service.value("rag_breaker_state", dependency=name)


async def together(service: RunningService, first: int) -> list[dict[str, Any]]:
    async with client(service, connections=AT_ONCE) as http:
        asks = (http.post("/ask", json={"query": question(first + number)}) for number in range(AT_ONCE))
        return [reply.raise_for_status().json() for reply in await asyncio.gather(*asks)]


def test_breakers_open_fail_fast_and_close_by_themselves(service: RunningService, ollama: FakeOllama) -> None:
    a_model_that_keeps_failing(service, ollama)
    a_server_that_is_gone(service, ollama)


def a_model_that_keeps_failing(service: RunningService, ollama: FakeOllama) -> None:
    name = f"ollama/{MODEL}"
    ollama.fault = Fault(status=500)
    for number in range(FAILURES):
        assert service.client.post("/ask", json={"query": question(number)}).status_code == 500
    assert len(ollama.bodies(CHAT)) == FAILURES
    assert breaker(service, name) == OPEN

    # Left alone: answered at once, from the documents, and nothing reaches the server. Who names it is no exception.
    for number, model in enumerate(("auto", MODEL), start=20):
        answer = service.ask(question(number), model=model)
        assert (answer["mode"], answer["routing"]["reason"]) == ("extractive", "unavailable")
        assert "model_unavailable" in answer["degraded"]
    assert len(ollama.bodies(CHAT)) == FAILURES

    # Tried again, by one question alone; that one fails, and the door is shut for another while.
    wait_until(lambda: breaker(service, name) == HALF_OPEN, PATIENCE_S, "it may be tried")
    statuses = asyncio.run(tried(service, ollama))
    assert len(ollama.bodies(CHAT)) == FAILURES + 1
    assert statuses == {200: AT_ONCE - 1, 504: 1}


async def tried(service: RunningService, ollama: FakeOllama) -> Counter[int]:
    raise NotImplementedError
