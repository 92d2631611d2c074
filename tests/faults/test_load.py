"""The running service under many questions at once, before a model server that counts what reaches it."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.components.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama

MODEL = "llama3.2:3b"
ONE_MODEL = {f"RAG_ROUTING__MODELS__{tier}": MODEL for tier in ("SIMPLE", "MEDIUM", "COMPLEX", "RESEARCH")}
MANY = 200
CAPACITY = 17


@pytest.fixture(scope="module")
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama([FakeModel(MODEL, resident=True)]).in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def service(ollama: FakeOllama, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    environment = {
        **ONE_MODEL,
        "RAG_OLLAMA__URL": ollama.url,
        "RAG_OLLAMA__POLL_S": "0.2",
        "RAG_EMBEDDING__MODEL": "",
        "RAG_DEADLINES__QUEUE_S": "60",
        "RAG_ADMISSION__SLOTS": "1",
        "RAG_ADMISSION__WAITING": str(CAPACITY - 1),
    }
    with RunningService(tmp_path_factory.mktemp("load"), environment) as running:
        wait_until(lambda: running.value("rag_ollama_up") == 1, 20, "the service sees Ollama")
        yield running


async def all_at_once(service: RunningService, queries: list[str], released: asyncio.Event) -> list[httpx.Response]:
    limits = httpx.Limits(max_connections=len(queries))
    async with httpx.AsyncClient(base_url=service.url, timeout=60, limits=limits, trust_env=False) as client:

        async def one(query: str) -> httpx.Response:
            reply = await client.post("/ask", json={"query": query})
            if reply.status_code != 200:
                shed.append(reply)
                if len(shed) == len(queries) - CAPACITY:
                    released.set()
            return reply

        shed: list[httpx.Response] = []
        return await asyncio.gather(*(one(query) for query in queries))


def test_identical_misses_make_one_model_call(service: RunningService, ollama: FakeOllama) -> None:
    before = len(ollama.bodies("/api/chat"))
    ollama.model(MODEL).token_s = 0.3
    replies = asyncio.run(all_at_once(service, ["What is momentum trading?"] * MANY, asyncio.Event()))
    ollama.model(MODEL).token_s = 0.0
    assert {reply.status_code for reply in replies} == {200}
    assert len(ollama.bodies("/api/chat")) - before == 1
    answers = [reply.json() for reply in replies]
    assert len({answer["answer"] for answer in answers}) == 1
    results = Counter(answer["cache"]["result"] for answer in answers)
    assert results["miss"] == 1
    assert results["coalesced"] + results["hit"] == MANY - 1
    assert results["coalesced"] > 0


def test_what_does_not_fit_is_turned_away_and_told_when_to_come_again(
    service: RunningService, ollama: FakeOllama
) -> None:
    before = len(ollama.bodies("/api/chat"))
    model = ollama.model(MODEL)

    async def drive() -> list[httpx.Response]:
        released = asyncio.Event()

        async def release() -> None:
            await released.wait()
            model.token_s = 0.0

        # The first answer lasts until everybody has been let in or turned away.
        model.token_s = 3.0
        letting_go = asyncio.create_task(release())
        try:
            async with asyncio.timeout(60):
                return await all_at_once(service, [f"What is momentum number {n}?" for n in range(MANY)], released)
        finally:
            letting_go.cancel()
            model.token_s = 0.0

    replies = asyncio.run(drive())
    statuses = Counter(reply.status_code for reply in replies)
    assert statuses == {200: CAPACITY, 429: MANY - CAPACITY}
    for reply in replies:
        if reply.status_code == 429:
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json()["kind"] == "overloaded"
    assert len(ollama.bodies("/api/chat")) - before == CAPACITY
    assert ollama.most_running[MODEL] == 1
    assert service.value("rag_admission_rejected_total", gen_ai_request_model=MODEL) == MANY - CAPACITY


@pytest.mark.parametrize("streaming", [True, False], ids=["stream", "json"])
def test_a_client_that_leaves_frees_the_model(service: RunningService, ollama: FakeOllama, streaming: bool) -> None:
    gone = ollama.disconnects
    ollama.model(MODEL).token_s = 2.0

    async def leave() -> None:
        async with httpx.AsyncClient(base_url=service.url, timeout=30, trust_env=False) as client:
            body = {"query": f"What is momentum trading, streamed {streaming}?", "stream": streaming}
            ask = asyncio.create_task(client.post("/ask", json=body))
            async with asyncio.timeout(20):
                while ollama.running[MODEL] == 0:
                    await asyncio.sleep(0.01)
            ask.cancel()
            await asyncio.gather(ask, return_exceptions=True)

    asyncio.run(leave())
    wait_until(lambda: ollama.disconnects == gone + 1, 5, "the model server sees the client leave")
    wait_until(
        lambda: service.value("rag_admission_in_flight", gen_ai_request_model=MODEL) == 0, 5, "the place is free"
    )
    ollama.model(MODEL).token_s = 0.0
    assert service.ask(f"Who is next, after {streaming}? What is momentum?")["mode"] in {"generated", "no_context"}


def test_liveness_answers_while_the_model_is_busy(service: RunningService, ollama: FakeOllama) -> None:
    ollama.model(MODEL).token_s = 1.0

    async def drive() -> list[int]:
        async with httpx.AsyncClient(base_url=service.url, timeout=30, trust_env=False) as client:
            ask = asyncio.create_task(client.post("/ask", json={"query": "What is momentum trading, while busy?"}))
            health = [(await client.get("/healthz")).status_code for _ in range(20)]
            ollama.model(MODEL).token_s = 0.0
            await ask
            return health

    assert asyncio.run(drive()) == [200] * 20
