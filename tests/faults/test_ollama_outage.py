"""Breakers before a model server that keeps failing: left alone after five failures, tried by one, and well by itself.

The server is looked at once, at the start, so that only the questions themselves can find out how it fares.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama, Fault
from tests.faults.stand import CHAT, MODEL, PATIENCE_S, answering, assert_calm, client, question

CLOSED, HALF_OPEN, OPEN = 0, 1, 2
FAILURES = 5
AT_ONCE = 12


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama([FakeModel(MODEL, resident=True)], slots=AT_ONCE).in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def service(ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with answering(
        tmp_path_factory.mktemp("outage"), ollama, RAG_OLLAMA__POLL_S="3600", RAG_ADMISSION__SLOTS=str(AT_ONCE)
    ) as running:
        yield running
    assert_calm(running)


def breaker(service: RunningService, name: str) -> float:
    return service.value("rag_breaker_state", dependency=name)


@pytest.mark.slow
def test_a_server_that_is_gone_is_left_alone_then_tried_by_one(service: RunningService, ollama: FakeOllama) -> None:
    ollama.crash()
    for number in range(FAILURES):
        assert service.ask(question(number))["mode"] == "extractive"
    assert breaker(service, "ollama") == OPEN

    # It is back, but nobody connects to see: answers come at once, from the documents.
    ollama.come_back()
    connections = ollama.connections
    for number in range(10, 15):
        answer = service.ask(question(number))
        assert (answer["mode"], answer["routing"]["chosen"]) == ("extractive", None)
        assert "keeps failing" in answer["routing"]["explanation"][-1]
    assert (ollama.connections, ollama.bodies(CHAT)) == (connections, [])

    wait_until(lambda: breaker(service, "ollama") == HALF_OPEN, PATIENCE_S, "it may be tried")
    modes = asyncio.run(tried_by_many(service, ollama))
    assert modes == {"generated": 1, "extractive": AT_ONCE - 1}
    assert len(ollama.bodies(CHAT)) == 1
    assert breaker(service, "ollama") == CLOSED
    assert service.ask(question(40))["mode"] == "generated"
    told = [line["message"] for line in service.log_lines() if line["logger"] == "service.generation.circuit"]
    assert told == ["Ollama failed 5 times in a row: left alone, and tried every 5 s", "Ollama answers again"]


async def tried_by_many(service: RunningService, ollama: FakeOllama) -> Counter[str]:
    """The one call that tries it lasts until all the others have been answered."""
    modes: Counter[str] = Counter()
    model = ollama.model(MODEL)
    model.token_s = 3.0

    async def one(number: int) -> None:
        reply = await http.post("/ask", json={"query": question(number)})
        modes[reply.raise_for_status().json()["mode"]] += 1
        if modes.total() == AT_ONCE - 1:
            model.token_s = 0.0

    async with client(service, connections=AT_ONCE) as http:
        await asyncio.gather(*(one(20 + number) for number in range(AT_ONCE)))
    return modes


def test_a_model_that_keeps_failing_is_left_alone(service: RunningService, ollama: FakeOllama) -> None:
    calls = len(ollama.bodies(CHAT))
    ollama.fault = Fault(status=500)
    for number in range(50, 50 + FAILURES):
        assert service.client.post("/ask", json={"query": question(number)}).status_code == 502
    ollama.fault = None
    assert len(ollama.bodies(CHAT)) == calls + FAILURES
    assert (breaker(service, f"ollama/{MODEL}"), breaker(service, "ollama")) == (OPEN, CLOSED)
    # Who asks for it by name is no exception.
    for number, model in enumerate(("auto", MODEL), start=60):
        answer = service.ask(question(number), model=model)
        assert (answer["mode"], answer["routing"]["reason"]) == ("extractive", "unavailable")
        assert "model_unavailable" in answer["degraded"]
    assert len(ollama.bodies(CHAT)) == calls + FAILURES
