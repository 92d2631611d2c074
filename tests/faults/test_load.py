"""The running service under many questions at once, before a model server that counts what reaches it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama
from tests.faults.stand import CHAT, MODEL, answering, client, in_flight, question, until, waiting

MANY = 200
CAPACITY = 17
PATIENCE_S = 60
GONE_S = 10


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama([FakeModel(MODEL, resident=True)]).in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def service(ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with answering(
        tmp_path_factory.mktemp("load"),
        ollama,
        RAG_DEADLINES__QUEUE_S=str(PATIENCE_S),
        RAG_ADMISSION__SLOTS="1",
        RAG_ADMISSION__WAITING=str(CAPACITY - 1),
    ) as running:
        yield running


@contextmanager
def slow_tokens(ollama: FakeOllama, token_s: float) -> Iterator[None]:
    ollama.model(MODEL).token_s = token_s
    try:
        yield
    finally:
        ollama.model(MODEL).token_s = 0.0


async def asked_together(service: RunningService, queries: list[str]) -> list[httpx.Response]:
    async with client(service, connections=len(queries)) as http:
        return await asyncio.gather(*(http.post("/ask", json={"query": query}) for query in queries))


def test_identical_misses_make_one_model_call(service: RunningService, ollama: FakeOllama) -> None:
    before = len(ollama.bodies(CHAT))
    with slow_tokens(ollama, 0.3):
        replies = asyncio.run(asked_together(service, [question(0)] * MANY))
    assert {reply.status_code for reply in replies} == {200}
    assert len(ollama.bodies(CHAT)) - before == 1
    answers = [reply.json() for reply in replies]
    assert len({answer["answer"] for answer in answers}) == 1
    results = Counter(answer["cache"]["result"] for answer in answers)
    assert results["miss"] == 1
    assert results["coalesced"] + results["hit"] == MANY - 1
    assert results["coalesced"] > 0


def test_what_does_not_fit_is_turned_away_and_told_when_to_come_again(
    service: RunningService, ollama: FakeOllama
) -> None:
    before = len(ollama.bodies(CHAT))
    model = ollama.model(MODEL)
    shed: list[httpx.Response] = []

    async def drive() -> list[httpx.Response]:
        async with client(service, connections=MANY) as http:

            async def one(query: str) -> httpx.Response:
                reply = await http.post("/ask", json={"query": query})
                if reply.status_code != 200:
                    shed.append(reply)
                if len(shed) == MANY - CAPACITY:
                    # The first answer lasts until everybody has been let in or turned away.
                    model.token_s = 0.0
                return reply

            return await asyncio.gather(*(one(question(100 + number)) for number in range(MANY)))

    with slow_tokens(ollama, 3.0):
        replies = asyncio.run(drive())
    assert Counter(reply.status_code for reply in replies) == {200: CAPACITY, 429: MANY - CAPACITY}
    for reply in shed:
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.json()["kind"] == "overloaded"
        assert reply.json()["stage"] == "admission"
    assert len(ollama.bodies(CHAT)) - before == CAPACITY
    assert ollama.most_running[MODEL] == 1
    assert service.value("rag_admission_rejected_total", gen_ai_request_model=MODEL) == MANY - CAPACITY


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "json"])
def test_a_client_that_leaves_frees_the_model(service: RunningService, ollama: FakeOllama, streaming: bool) -> None:
    gone, cancelled = ollama.disconnects, left(service)
    asked = question(400 + streaming)

    async def leave() -> None:
        async with client(service) as http:
            ask = asyncio.create_task(http.post("/ask", json={"query": asked, "stream": streaming}))
            await until(lambda: ollama.running[MODEL] == 1, "the model works")
            ask.cancel()
            await asyncio.gather(ask, return_exceptions=True)

    with slow_tokens(ollama, 60.0):
        asyncio.run(leave())
        wait_until(lambda: ollama.disconnects == gone + 1, GONE_S, "the model server sees the client leave")
        wait_until(lambda: in_flight(service) == 0, GONE_S, "the place is free")
    wait_until(lambda: left(service) == cancelled + 1, GONE_S, "it is counted as one who left")
    assert service.ask(asked)["cache"]["result"] == "miss"


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "json"])
def test_a_client_that_leaves_the_queue_gives_its_place_up(
    service: RunningService, ollama: FakeOllama, streaming: bool
) -> None:
    before, gone = len(ollama.bodies(CHAT)), ollama.disconnects
    asked = [question(410 + 2 * number + streaming) for number in range(4)]

    async def leave() -> None:
        async with client(service, connections=len(asked)) as http:
            asks = []
            for number, query in enumerate(asked):
                asks.append(asyncio.create_task(http.post("/ask", json={"query": query, "stream": streaming})))
                await until(
                    lambda number=number: (in_flight(service), waiting(service)) == (1, number), "it has its place"
                )
            for ask in asks[1:]:
                ask.cancel()
            await asyncio.gather(*asks[1:], return_exceptions=True)
            await until(lambda: waiting(service) == 0, "the queue is empty")
            asks[0].cancel()
            await asyncio.gather(asks[0], return_exceptions=True)

    with slow_tokens(ollama, 60.0):
        asyncio.run(leave())
        wait_until(lambda: ollama.disconnects == gone + 1, GONE_S, "the running one ends too")
    # Those in the queue never reached the model.
    assert len(ollama.bodies(CHAT)) - before == 1
    assert service.ask(asked[-1])["mode"] == "generated"


def test_liveness_answers_while_the_model_is_busy(service: RunningService, ollama: FakeOllama) -> None:
    async def drive() -> list[int]:
        async with client(service) as http:
            ask = asyncio.create_task(http.post("/ask", json={"query": question(430)}))
            await until(lambda: ollama.running[MODEL] == 1, "the model works")
            health = [(await http.get("/healthz")).status_code for _ in range(20)]
            assert not ask.done()
            ollama.model(MODEL).token_s = 0.0
            await ask
            return health

    with slow_tokens(ollama, 0.5):
        assert asyncio.run(drive()) == [200] * 20


def left(service: RunningService) -> float:
    return service.value("rag_ask_duration_seconds_count", outcome="cancelled")
