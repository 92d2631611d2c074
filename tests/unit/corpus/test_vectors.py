"""The vector index in step with the corpus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.corpus.corpus_file import CorpusFile
from service.corpus.registry import Registry
from service.corpus.vector_ledger import VectorLedger
from service.corpus.vectors import VectorKeeper
from service.embedding.port import Purpose
from service.errors import BadDependencyReply, Dependency, DependencyUnavailable
from service.retrieval.threads import WorkerThreads
from tests.fakes.clock import ManualClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.vector_index import FakeVectorIndex
from tests.unit.corpus.test_registry import ONE, cut


class Kept:
    """A keeper with its parts at hand."""

    def __init__(self, folder: Path) -> None:
        self.file = CorpusFile(folder / "corpus.sqlite3", ManualClock())
        self.registry = Registry(self.file)
        self.ledger = VectorLedger(self.file)
        self.embedder, self.index = FakeEmbedder(), FakeVectorIndex()
        self.threads = WorkerThreads(1, spare=0)
        self.keeper = VectorKeeper(self.ledger, self.threads, self.embedder, self.index, 2)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    made = Kept(tmp_path)
    yield made
    made.threads.close()
    made.file.close()


async def test_without_an_embedder_nothing_is_touched(kept: Kept) -> None:
    kept.embedder.away = True
    assert await kept.keeper.prepare() is None
    await kept.keeper.bury()
    assert kept.index.calls == []


async def test_an_index_that_is_in_order_is_not_compared_again(kept: Kept) -> None:
    assert await kept.keeper.prepare() == kept.embedder.embedder
    assert kept.index.calls == ["select", "chunk_ids", "drop_others"]
    kept.index.calls.clear()
    assert await kept.keeper.prepare() == kept.embedder.embedder
    assert kept.index.calls == []
    await kept.keeper.prepare(verify=True)
    assert kept.index.calls == ["count"]


async def test_the_index_is_kept_in_order_while_the_embedder_is_away(kept: Kept) -> None:
    await kept.keeper.prepare()
    kept.registry.begin(cut("d1", ONE))
    await kept.keeper.embed("d1")
    kept.registry.publish("d1", embedded=True)
    kept.registry.remove("d1")
    kept.embedder.away = True
    fresh = VectorKeeper(kept.ledger, kept.threads, kept.embedder, kept.index, 2)
    assert await fresh.prepare() is None
    assert kept.index.collections[kept.embedder.embedder] == {}
    assert kept.ledger.tombstones() == ()


async def test_texts_are_embedded_as_documents_in_batches(kept: Kept) -> None:
    await kept.keeper.prepare()
    kept.registry.begin(cut("d1", ONE))
    await kept.keeper.embed("d1")
    assert [len(texts) for texts, _ in kept.embedder.calls] == [2, 1]
    assert {purpose for _, purpose in kept.embedder.calls} == {Purpose.DOCUMENT}
    rows = kept.index.collections[kept.embedder.embedder]
    assert {row.document_id for row in rows.values()} == {"d1"}
    text = kept.ledger.chunk_texts("d1", -1, 1)[0]
    assert rows[text[1]].vector == kept.embedder.vector(text[2])


async def test_a_failure_in_the_middle_is_taken_up_again(kept: Kept) -> None:
    kept.index.failures.extend([DependencyUnavailable(Dependency.CHROMA, "away")])
    with pytest.raises(DependencyUnavailable):
        await kept.keeper.prepare()
    assert await kept.keeper.prepare() is not None
    assert kept.ledger.embedder == kept.embedder.embedder


async def test_a_changed_embedder_leaves_its_old_collection_until_the_new_one_is_whole(kept: Kept) -> None:
    first = kept.embedder.embedder
    await kept.keeper.prepare()
    kept.registry.begin(cut("d1", ONE))
    await kept.keeper.embed("d1")
    kept.registry.publish("d1", embedded=True)
    kept.embedder.digest = "d2"
    await kept.keeper.prepare()
    assert kept.keeper.selected == kept.embedder.embedder
    assert set(kept.index.collections) == {first, kept.embedder.embedder}
    async for rows in kept.keeper.rows("d1"):
        await kept.keeper.store(rows)
    assert await kept.keeper.finish("d1")
    assert set(kept.index.collections) == {kept.embedder.embedder}


async def test_vectors_of_the_wrong_kind_are_refused(kept: Kept) -> None:
    await kept.keeper.prepare()
    kept.registry.begin(cut("d1", ONE))
    kept.embedder.digest = "d2"
    with pytest.raises(BadDependencyReply, match="changed"):
        await kept.keeper.embed("d1")
    kept.embedder.digest = "d1"
    vector = kept.embedder.vector
    kept.embedder.vector = lambda text: vector(text)[1:]  # type: ignore[method-assign]
    with pytest.raises(BadDependencyReply, match="unequal"):
        await kept.keeper.embed("d1")
    assert kept.index.collections[kept.embedder.embedder] == {}
