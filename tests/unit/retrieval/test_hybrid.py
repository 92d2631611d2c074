"""Words and vectors side by side: fusion, the floor, and what happens when one of them is missing."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from service.embedding.port import EmbedderId
from service.errors import Dependency, DependencyTimeout, DependencyUnavailable
from service.retrieval.hybrid import HybridRetriever, fuse
from service.retrieval.port import Match, Passage, VectorRow
from service.retrieval.threads import WorkerThreads
from tests.fakes.clock import ManualClock
from tests.fakes.keyword_index import FakeKeywordIndex
from tests.fakes.vector_index import FakeVectorIndex

EMBEDDER = EmbedderId("fake-embed", "d1", 2)
EAST, NORTH = (1.0, 0.0), (0.0, 1.0)
TEXTS = {
    "rsi": "The relative strength index is a momentum oscillator.",
    "macd": "The MACD line is the difference of two moving averages.",
    "gap": "A gap is a price range without any trade.",
}


def passage(chunk_id: str, text: str, document_id: str = "", start: int = 0) -> Passage:
    return Passage(chunk_id, document_id or f"document of {chunk_id}", "a.md", text, start, start + len(text), 0.0)


class Stand:
    """A retriever over fakes that hold the three texts; each text's vector is its own direction."""

    def __init__(self, *more: Passage, floor: float = 0.3) -> None:
        self.keywords = FakeKeywordIndex(*(passage(key, text) for key, text in TEXTS.items()), *more)
        self.vectors = FakeVectorIndex()
        self.active: EmbedderId | None = EMBEDDER
        self.clock = ManualClock()
        self.retriever = HybridRetriever(
            self.keywords, self.vectors, lambda: self.active, self.clock, floor=floor, patience_s=5.0, rest_s=5.0
        )

    async def filled(self) -> "Stand":
        await self.vectors.select(EMBEDDER)
        rows = (("rsi", EAST), ("macd", NORTH), ("gap", (-1.0, 0.0)))
        await self.vectors.upsert([VectorRow(key, f"document of {key}", vector) for key, vector in rows])
        self.vectors.calls.clear()
        return self

    async def ids(self, text: str, vector: Sequence[float] | None = None, top_k: int = 5) -> list[str]:
        return [one.chunk_id for one in (await self.retriever.retrieve(text, vector, top_k)).passages]


async def test_without_a_vector_words_alone_answer_and_it_is_said() -> None:
    stand = await Stand().filled()
    found = await stand.retriever.retrieve("What is the momentum oscillator?", None, 5)
    assert found.passages[0].chunk_id == "rsi"
    assert found.degraded == ("no_embedder",)
    assert found.candidates == {"keyword": 3}
    assert found.best_distance is None
    assert found.best_score is not None
    assert found.best_score >= 0.3
    assert stand.vectors.calls == []


async def test_both_rankings_are_fused() -> None:
    stand = await Stand().filled()
    found = await stand.retriever.retrieve("momentum oscillator averages", EAST, 5)
    assert [one.chunk_id for one in found.passages] == ["rsi", "macd", "gap"]
    assert found.degraded == ()
    assert found.candidates == {"keyword": 2, "vector": 3}
    assert found.best_distance == pytest.approx(0.0)
    assert found.passages[0].score == pytest.approx(1 / 61 + 1 / 61)


async def test_a_vector_finds_what_no_word_does() -> None:
    stand = await Stand().filled()
    assert await stand.ids("Kraftmesser", EAST) == ["rsi", "macd", "gap"]
    assert await stand.ids("Kraftmesser") == []


async def test_below_the_floor_nothing_is_returned_but_it_is_told_how_near_it_came() -> None:
    stand = await Stand().filled()
    found = await stand.retriever.retrieve("Ichimoku cloud price sourdough", None, 5)
    assert found.passages == ()
    assert found.candidates == {"keyword": 1}
    assert found.best_score is not None
    assert 0 < found.best_score < 0.3
    assert await Stand(floor=0.0).ids("Ichimoku cloud price sourdough") == ["gap"]


async def test_nothing_found_has_no_score() -> None:
    found = await Stand().retriever.retrieve("sourdough", None, 5)
    assert (found.passages, found.best_score, found.best_distance) == ((), None, None)


@pytest.mark.parametrize("active", [None, EmbedderId("wider", "d1", 3)])
async def test_vectors_of_another_embedder_than_the_corpus_are_not_searched(active: EmbedderId | None) -> None:
    stand = await Stand().filled()
    stand.active = active
    found = await stand.retriever.retrieve("momentum oscillator", EAST, 5)
    assert found.degraded == ("no_embedder",)
    assert found.passages[0].chunk_id == "rsi"
    assert stand.vectors.calls == []


@pytest.mark.parametrize(
    "failure",
    [DependencyUnavailable(Dependency.CHROMA, "away"), DependencyTimeout(Dependency.CHROMA, "slow"), TimeoutError()],
)
async def test_without_chroma_words_alone_answer_and_it_is_said(failure: Exception) -> None:
    stand = await Stand().filled()
    stand.vectors.failures.append(failure)
    found = await stand.retriever.retrieve("momentum oscillator", EAST, 5)
    assert found.passages[0].chunk_id == "rsi"
    assert found.degraded == ("chroma_unavailable",)
    assert found.candidates == {"keyword": 1}


async def test_after_a_failure_chroma_rests_and_then_is_asked_again() -> None:
    stand = await Stand().filled()
    stand.vectors.failures.append(DependencyUnavailable(Dependency.CHROMA, "away"))
    await stand.retriever.retrieve("momentum", EAST, 5)
    stand.clock.advance(4.9)
    assert (await stand.retriever.retrieve("momentum", EAST, 5)).degraded == ("chroma_unavailable",)
    assert stand.vectors.calls == ["query"]
    stand.clock.advance(0.2)
    assert (await stand.retriever.retrieve("momentum", EAST, 5)).degraded == ()


async def test_a_store_that_hangs_costs_the_vectors_and_not_the_answer() -> None:
    class Hanging(FakeVectorIndex):
        async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
            await asyncio.Event().wait()
            raise AssertionError

    stand = Stand()
    retriever = HybridRetriever(
        stand.keywords, Hanging(), lambda: EMBEDDER, stand.clock, floor=0.0, patience_s=0.02, rest_s=5.0
    )
    found = await retriever.retrieve("momentum oscillator", EAST, 5)
    assert found.degraded == ("chroma_unavailable",)
    assert found.passages[0].chunk_id == "rsi"


async def test_both_indexes_are_asked_at_the_same_time() -> None:
    met = asyncio.Barrier(2)

    class Keywords(FakeKeywordIndex):
        async def search(self, text: str, limit: int) -> tuple[Match, ...]:
            await met.wait()
            return await super().search(text, limit)

    class Vectors(FakeVectorIndex):
        async def query(self, vector: Sequence[float], limit: int) -> tuple[Match, ...]:
            await met.wait()
            return (Match("rsi", 1.0, 0.0),)

    keywords = Keywords(passage("rsi", TEXTS["rsi"]))
    retriever = HybridRetriever(keywords, Vectors(), lambda: EMBEDDER, ManualClock(), floor=0.0)
    async with asyncio.timeout(10):
        assert len((await retriever.retrieve("momentum", EAST, 5)).passages) == 1


async def test_without_sqlite_there_is_no_answer_and_nothing_is_left_running() -> None:
    stand = await Stand().filled()
    stand.keywords.failures.append(DependencyUnavailable(Dependency.SQLITE, "held"))
    before = asyncio.all_tasks()
    with pytest.raises(DependencyUnavailable) as failed:
        await stand.retriever.retrieve("momentum", EAST, 5)
    assert failed.value.dependency is Dependency.SQLITE
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_the_same_words_or_an_overlapping_piece_take_one_place_only() -> None:
    copied = passage("copy", f"  {TEXTS['rsi'].upper()}\n", "another document")
    overlapping = passage("piece", TEXTS["rsi"][20:] + " And more.", "document of rsi", start=20)
    neighbour = passage("next", "momentum oscillator, continued", "document of rsi", start=len(TEXTS["rsi"]))
    stand = Stand(copied, overlapping, neighbour)
    stand.keywords.scripted.append(
        (Match("rsi", 4.0), Match("copy", 3.0), Match("piece", 2.0), Match("next", 1.0), Match("gone", 0.5))
    )
    assert await stand.ids("momentum oscillator") == ["rsi", "next"]


async def test_no_more_than_asked_for_out_of_enough_candidates() -> None:
    many = [passage(f"c{number:02}", f"momentum number {number}") for number in range(60)]
    stand = Stand(*many, floor=0.0)
    assert len(await stand.ids("momentum", top_k=3)) == 3
    assert len(await stand.ids("momentum", top_k=25)) == 25
    assert [limit for call, _, limit in stand.keywords.calls if call == "search"] == [20, 50]


async def test_the_wait_for_a_thread_is_told() -> None:
    clock = ManualClock()
    threads = WorkerThreads(1, clock=clock)
    hold, entered = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Threaded(FakeKeywordIndex):
        async def search(self, text: str, limit: int) -> tuple[Match, ...]:
            await threads.run(lambda: None)
            return await super().search(text, limit)

    def busy() -> None:
        loop.call_soon_threadsafe(entered.set)
        hold.wait(10)

    other = asyncio.create_task(threads.run(busy))
    await entered.wait()
    keywords = Threaded(passage("rsi", TEXTS["rsi"]))
    retriever = HybridRetriever(keywords, FakeVectorIndex(), lambda: None, clock, floor=0.0)
    asked = asyncio.create_task(retriever.retrieve("momentum", None, 5))
    await asyncio.sleep(0)
    clock.advance(0.75)
    hold.set()
    assert (await asked).waited_s == pytest.approx(0.75)
    await other
    threads.close()


def test_fusing_adds_what_each_ranking_says_and_breaks_ties_by_id() -> None:
    words = (Match("b", 9.0), Match("a", 8.0))
    vectors = (Match("a", 0.9, 0.1), Match("b", 0.8, 0.2), Match("c", 0.1, 0.9))
    fused = fuse(words, vectors)
    assert [match.chunk_id for match in fused] == ["a", "b", "c"]
    assert fused[0].score == fused[1].score == pytest.approx(1 / 61 + 1 / 62)
    assert [match.distance for match in fused] == [0.1, 0.2, 0.9]
    assert fuse((), ()) == ()
