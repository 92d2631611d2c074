"""The books about vectors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.corpus.corpus_file import CorpusFile
from service.corpus.registry import Registry
from service.corpus.vector_ledger import VectorLedger
from service.embedding.port import EmbedderId
from tests.fakes.clock import ManualClock
from tests.unit.corpus.test_registry import ONE, cut

FIRST, SECOND = EmbedderId("m", "d1", 4), EmbedderId("m", "d2", 4)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CorpusFile]:
    made = CorpusFile(tmp_path / "corpus.sqlite3", ManualClock())
    yield made
    made.close()


@pytest.fixture
def ledger(file: CorpusFile) -> VectorLedger:
    return VectorLedger(file)


def ids(ledger: VectorLedger, document_id: str) -> list[str]:
    return [chunk_id for _, chunk_id, _ in ledger.chunk_texts(document_id, -1, 100)]


def test_chunks_come_in_pieces_with_their_text(file: CorpusFile, ledger: VectorLedger) -> None:
    Registry(file).begin(cut("d1", ONE))
    first = ledger.chunk_texts("d1", -1, 1)
    rest = ledger.chunk_texts("d1", first[-1][0], 100)
    assert len(first) == 1
    texts = [text for _, _, text in (*first, *rest)]
    assert len(texts) > 1
    assert all(text in ONE and text.strip() == text for text in texts)
    assert ledger.chunk_texts("d1", rest[-1][0], 100) == []
    assert ledger.chunk_texts("unknown", -1, 100) == []


def test_a_new_embedder_makes_every_document_wait(file: CorpusFile, ledger: VectorLedger) -> None:
    registry = Registry(file)
    ledger.use_embedder(FIRST)
    assert (ledger.embedder, ledger.active) == (FIRST, True)
    registry.begin(cut("d1", ONE))
    document, _ = registry.publish("d1", embedded=True)
    assert ledger.waiting() == ()
    assert ledger.embedded_chunks == document.chunks
    version = file.version
    ledger.use_embedder(SECOND)
    assert ledger.waiting() == ("d1",)
    assert (ledger.active, ledger.embedded_chunks) == (False, 0)
    assert file.version > version
    assert ledger.mark_embedded("d1")
    assert (ledger.active, ledger.waiting()) == (True, ())
    assert not ledger.mark_embedded("unknown")


def test_vectors_count_only_for_whole_documents(file: CorpusFile, ledger: VectorLedger) -> None:
    registry = Registry(file)
    ledger.use_embedder(FIRST)
    for name in ("d1", "d2"):
        registry.add(cut(name, ONE + name, source=name))
    registry.begin(cut("d3", "Pending.", source="d3"))
    one, two, pending = (ids(ledger, name) for name in ("d1", "d2", "d3"))
    assert ledger.reconcile(frozenset([*one, two[0], "foreign", *pending])) == {"foreign"}
    assert ledger.waiting() == ("d2",)
    assert not ledger.active
    ledger.reconcile(frozenset([*one, *two]))
    assert ledger.active
    registry.discard()


def test_the_dead_are_named_until_they_are_buried(file: CorpusFile, ledger: VectorLedger) -> None:
    registry = Registry(file)
    ledger.use_embedder(FIRST)
    registry.add(cut("d1", ONE))
    registry.remove("d1")
    registry.begin(cut("d2", ONE))
    registry.discard()
    assert sorted(ledger.tombstones()) == ["d1", "d2"]
    registry.add(cut("d1", ONE))
    assert ledger.tombstones() == ("d2",)
    ledger.bury(["d2"])
    assert ledger.tombstones() == ()
