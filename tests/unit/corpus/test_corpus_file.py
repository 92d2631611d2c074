"""Transactions, the version, and when vectors may be searched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.corpus.corpus_file import CorpusFile
from service.errors import BadDependencyReply, ErrorKind, ServiceError
from tests.fakes.clock import ManualClock

DOCUMENT = "INSERT INTO documents VALUES (1, 'd1', '', 'a.md', 'text/markdown', 9, 9, 2, 0.0, 'ready', ?)"
EMBEDDER = """UPDATE meta SET value = '["m", "d", 4]' WHERE name = 'embedder'"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(time=50.0)


@pytest.fixture
def file(tmp_path: Path, clock: ManualClock) -> Iterator[CorpusFile]:
    made = CorpusFile(tmp_path / "corpus.sqlite3", clock)
    yield made
    made.close()


def test_the_version_is_the_time_and_never_falls(file: CorpusFile, clock: ManualClock) -> None:
    assert file.version == 0
    seen = []
    for time in (50.0, 50.0, 60.0, 40.0):
        clock.set_time(time)
        with file.transaction() as db:
            file.raise_version(db)
        seen.append(file.version)
    assert seen == [50_000, 50_001, 60_000, 60_001]


def test_what_fails_is_undone_and_the_version_stays(file: CorpusFile) -> None:
    with pytest.raises(RuntimeError, match="mine"), file.transaction() as db:
        db.execute(DOCUMENT, (0,))
        file.raise_version(db)
        raise RuntimeError("mine")
    assert file.version == 0
    with file.reading() as db:
        assert db.execute("SELECT count(*) FROM documents").fetchone() == (0,)
    with file.transaction() as db:
        file.raise_version(db)
    assert file.version > 0


def test_sqlite_failures_are_translated(file: CorpusFile) -> None:
    with pytest.raises(BadDependencyReply, match=r"corpus\.sqlite3 failed"), file.transaction() as db:
        db.execute("SELECT nonsense")


def test_without_an_embedder_vectors_are_never_searched(file: CorpusFile) -> None:
    with file.transaction() as db:
        file.settle(db)
    assert (file.active, file.version) == (False, 0)


def test_vectors_are_searched_once_all_are_there(file: CorpusFile) -> None:
    with file.transaction() as db:
        db.execute(EMBEDDER)
        db.execute(DOCUMENT, (0,))
        file.settle(db)
    assert (file.active, file.version) == (False, 0)
    with file.transaction() as db:
        db.execute("UPDATE documents SET embedded = 1")
        file.settle(db)
    assert file.active
    assert file.version > 0
    assert file.embedder is not None
    assert file.embedder.dimensions == 4


def test_one_document_that_waits_ends_it_only_when_strict(file: CorpusFile) -> None:
    with file.transaction() as db:
        db.execute(EMBEDDER)
        db.execute(DOCUMENT, (1,))
        file.settle(db)
    version = file.version
    with file.transaction() as db:
        db.execute("UPDATE documents SET embedded = 0")
        file.settle(db)
    assert (file.active, file.version) == (True, version)
    with file.transaction() as db:
        file.settle(db, strict=True)
    assert not file.active
    assert file.version > version


def test_memory_is_filled_from_the_file(file: CorpusFile, tmp_path: Path, clock: ManualClock) -> None:
    with file.transaction() as db:
        db.execute(EMBEDDER)
        db.execute(DOCUMENT, (1,))
        db.execute(DOCUMENT.replace("(1, 'd1'", "(2, 'd2'").replace("'ready'", "'pending'"), (0,))
        file.settle(db)
    file.close()
    again = CorpusFile(tmp_path / "corpus.sqlite3", clock)
    assert (again.version, again.active) == (file.version, True)
    assert [one.id for one in again.shelf.documents()] == ["d1"]
    again.close()


def test_after_closing_nothing_is_done(file: CorpusFile) -> None:
    file.close()
    file.close()
    with pytest.raises(ServiceError) as caught, file.reading():
        pass
    assert caught.value.kind is ErrorKind.SHUTTING_DOWN


def test_a_clean_end_is_noted(file: CorpusFile, tmp_path: Path, clock: ManualClock) -> None:
    with file.reading() as db:
        assert db.execute("SELECT value FROM meta WHERE name = 'clean'").fetchone() == (0,)
    file.close()
    other = CorpusFile(tmp_path / "other.sqlite3", clock)
    with other.reading() as db:
        db.execute("ATTACH ? AS first", (str(file.path),))
        assert db.execute("SELECT value FROM first.meta WHERE name = 'clean'").fetchone() == (1,)
    other.close()
