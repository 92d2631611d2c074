"""Documents in the file: pending, ready, replaced, gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.corpus.corpus_file import CorpusFile
from service.corpus.draft import Draft, File, draft
from service.corpus.loaders.port import LoadedDocument
from service.corpus.registry import Registry
from service.errors import NotFound
from tests.fakes.clock import ManualClock


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CorpusFile]:
    made = CorpusFile(tmp_path / "corpus.sqlite3", ManualClock())
    yield made
    made.close()


@pytest.fixture
def registry(file: CorpusFile) -> Registry:
    return Registry(file)


def cut(identity: str, text: str, *, source: str = "a.md", folder: str = "") -> Draft:
    given = File(identity, folder, source, text.encode())
    return draft(given, LoadedDocument(text, "text/markdown", source), chunk_chars=40, max_chunks=100)


def hits(file: CorpusFile, word: str) -> int:
    with file.reading() as db:
        return int(db.execute("SELECT count(*) FROM words WHERE words MATCH ?", (word,)).fetchone()[0])


def count(file: CorpusFile, table: str) -> int:
    with file.reading() as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


ONE = "# Momentum\n\nIt buys what rose.\n\nIt sells what fell, and that for a while."


def test_what_is_pending_is_nowhere_to_be_found(file: CorpusFile, registry: Registry) -> None:
    registry.begin(cut("d1", ONE))
    assert count(file, "chunks") > 1
    assert hits(file, "momentum") == 0
    assert registry.find("d1") is None
    assert registry.documents() == ()
    assert file.version == 0
    with pytest.raises(NotFound):
        registry.text("d1")


def test_publishing_shows_it_at_once(file: CorpusFile, registry: Registry) -> None:
    registry.begin(cut("d1", ONE))
    document, replaced = registry.publish("d1", embedded=True)
    assert replaced is None
    assert (document.embedded, document.added_at) == (True, 1_700_000_000)
    assert registry.documents() == (document,)
    assert registry.text("d1") == ONE
    assert hits(file, "momentum") == 1
    assert file.version > 0
    with pytest.raises(NotFound):
        registry.publish("d1", embedded=True)


def test_a_new_begin_clears_what_was_left_pending(file: CorpusFile, registry: Registry) -> None:
    registry.begin(cut("d1", ONE))
    registry.begin(cut("d2", ONE))
    assert count(file, "documents") == 1
    registry.discard()
    assert (count(file, "documents"), count(file, "chunks")) == (0, 0)


def test_replacing_leaves_nothing_of_the_old(file: CorpusFile, registry: Registry) -> None:
    old, _ = registry.add(cut("d1", ONE))
    new, replaced = registry.add(cut("d2", "Reversal waits for a turn."))
    assert replaced == old
    assert registry.documents() == (new,)
    assert (hits(file, "momentum"), hits(file, "reversal")) == (0, 1)
    assert count(file, "documents") == count(file, "chunks") == 1


def test_the_index_holds_exactly_the_ready_text_after_many_changes(file: CorpusFile, registry: Registry) -> None:
    for number in range(6):
        registry.add(cut(f"d{number}", ONE + f" Number {number}.", source=f"{number % 3}.md"))
    registry.remove("d3")
    registry.begin(cut("dx", ONE, source="x.md"))
    registry.discard()
    with file.reading() as db:
        # FTS5's own check, against the texts in `chunks`.
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    assert hits(file, "momentum") == 2


def test_removing_takes_words_and_text(file: CorpusFile, registry: Registry) -> None:
    document, _ = registry.add(cut("d1", ONE))
    version = file.version
    assert registry.remove("d1") == document
    assert (hits(file, "momentum"), count(file, "chunks"), count(file, "documents")) == (0, 0, 0)
    assert count(file, "tombstones") == 0, "without an embedder there never were vectors"
    assert file.version > version
    with pytest.raises(NotFound):
        registry.remove("d1")


def test_names_belong_to_folders(registry: Registry) -> None:
    registry.add(cut("d1", "One.", folder="/x"))
    _, replaced = registry.add(cut("d2", "Two.", folder="/y"))
    assert replaced is None
    _, replaced = registry.add(cut("d3", "Three.", folder="/x"))
    assert replaced is not None
    assert replaced.id == "d1"
    assert [one.id for one in registry.of_folder("/x")] == ["d3"]


def test_an_upload_replaces_the_upload_of_its_name_else_the_youngest(registry: Registry) -> None:
    registry.add(cut("d1", "One.", folder="/x"))
    registry.add(cut("d2", "Two.", folder="/y"))
    _, replaced = registry.add(cut("d3", "Three."))
    assert replaced is not None
    assert replaced.id == "d2"
    _, replaced = registry.add(cut("d4", "Four."))
    assert replaced is not None
    assert replaced.id == "d3"
    assert [one.id for one in registry.documents()] == ["d1", "d4"]


def test_an_adopted_document_changes_its_folder_but_an_upload_stays_one(registry: Registry) -> None:
    registry.add(cut("d1", "One.", folder="/x"))
    registry.adopt("d1", "/y")
    assert [one.id for one in registry.of_folder("/y")] == ["d1"]
    registry.adopt("d1", "")
    registry.adopt("d1", "/x")
    assert [one.id for one in registry.of_folder("")] == ["d1"]
    with pytest.raises(NotFound):
        registry.adopt("d9", "/x")


def test_what_a_kill_left_pending_is_finished(file: CorpusFile, registry: Registry) -> None:
    registry.add(cut("d1", ONE))
    registry.begin(cut("d2", "Reversal waits for a turn."))
    assert registry.finish_pending() == 1
    assert [one.id for one in registry.documents()] == ["d2"]
    assert (hits(file, "momentum"), hits(file, "reversal")) == (0, 1)
    assert registry.finish_pending() == 0
