"""A Chroma server that hangs, dies under load and comes back: answers by words, at once, and whole again by itself."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from ops.stack.process import wait_until
from tests.components.chroma import RunningChroma
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama
from tests.faults.stand import EMBEDDER, MODEL, PATIENCE_S, answering, assert_calm, client, question

ASKS = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    with RunningChroma(tmp_path_factory.mktemp("chroma")) as running:
        yield running


@pytest.fixture(scope="module")
def service(chroma: RunningChroma, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    models = [FakeModel(MODEL, resident=True), FakeModel(EMBEDDER, capabilities=("embedding",), resident=True)]
    with (
        FakeOllama(models, slots=8).in_thread() as ollama,
        answering(
            tmp_path_factory.mktemp("chroma-away"),
            ollama,
            RAG_EMBEDDING__MODEL=EMBEDDER,
            RAG_CHROMA__URL=chroma.url,
            RAG_ADMISSION__SLOTS="8",
        ) as running,
    ):
        wait_until(running.embedded, PATIENCE_S, "every document has its vectors")
        yield running
    assert_calm(running)


def lack(service: RunningService, number: int) -> list[str]:
    """What an answer had to do without."""
    answer = service.ask(question(number), cache={"no-cache": True})
    assert answer["mode"] == "generated"
    assert answer["citations"]
    return list(answer["degraded"])


def seen_by_readiness(service: RunningService) -> bool:
    reply = service.client.get("/readyz")
    assert reply.status_code == 200
    return {one["name"]: bool(one["ok"]) for one in reply.json()["dependencies"]}["chroma"]


def assert_back(service: RunningService) -> None:
    wait_until(lambda: lack(service, 0) == [], PATIENCE_S, "vectors are used again, by themselves")


def test_one_that_hangs_costs_one_question_a_moment_and_the_others_nothing(
    service: RunningService, chroma: RunningChroma
) -> None:
    assert lack(service, 1) == []
    os.kill(chroma.pid, signal.SIGSTOP)
    try:
        answers = [service.ask(question(number)) for number in range(10, 20)]
        assert [answer["degraded"] for answer in answers] == [["chroma_unavailable"]] * 10
        assert all(answer["citations"] for answer in answers)
        # The promised bound for each; after the first, nobody even tries.
        assert max(answer["timings"]["retrieve_s"] for answer in answers) < 3
        assert sum(answer["timings"]["retrieve_s"] > 0.5 for answer in answers) <= 2
        # Seen, but not required: answers go on.
        wait_until(lambda: not seen_by_readiness(service), PATIENCE_S, "it is seen")
        assert service.value("rag_dependency_up", dependency="chroma") == 0
    finally:
        os.kill(chroma.pid, signal.SIGCONT)
    assert_back(service)


def test_one_that_dies_under_load_fails_nobody(service: RunningService, chroma: RunningChroma) -> None:
    lacked: Counter[str] = Counter()

    async def drive() -> None:
        async with client(service, connections=4) as http:

            async def some(first: int) -> None:
                for number in range(first, first + ASKS // 4):
                    reply = await http.post("/ask", json={"query": question(number)})
                    answer = reply.raise_for_status().json()
                    assert answer["citations"]
                    lacked.update(answer["degraded"] or ["nothing"])
                    if lacked.total() == ASKS // 3:
                        await asyncio.to_thread(chroma.kill)

            await asyncio.gather(*(some(100 + 20 * turn) for turn in range(4)))

    asyncio.run(drive())
    assert lacked.total() == ASKS
    assert lacked.keys() == {"nothing", "chroma_unavailable"}
    chroma.start()
    assert_back(service)
