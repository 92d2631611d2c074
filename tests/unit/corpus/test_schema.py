"""Opening the corpus file: new, older, newer, damaged, and without FTS5."""

import sqlite3
from pathlib import Path

import pytest

from service.corpus.schema import SCHEMA_VERSION, open_corpus, open_reader, require_fts5
from service.errors import BadDependencyReply, Dependency, ErrorKind


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "corpus.sqlite3"


def test_a_new_file_is_private_and_safe_against_power_cuts(path: Path) -> None:
    db = open_corpus(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    db.close()


def test_opening_again_keeps_what_is_there(path: Path) -> None:
    db = open_corpus(path)
    db.execute("UPDATE meta SET value = 7 WHERE name = 'version'")
    db.close()
    db = open_corpus(path)
    assert db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone() == (7,)
    db.close()


def test_a_file_left_empty_by_a_kill_is_begun_again(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    open_corpus(path).close()
    assert path.stat().st_size > 0


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    db = open_corpus(path)
    db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(BadDependencyReply, match=r"newer emini-rag.*upgrade") as caught:
        open_corpus(path)
    assert (caught.value.kind, caught.value.dependency) == (ErrorKind.SERVER_ERROR, Dependency.SQLITE)
    assert path.read_bytes() == before


def test_damage_is_told_after_a_crash(path: Path) -> None:
    db = open_corpus(path)
    db.execute("CREATE INDEX extra ON documents (chars)")
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'documents'").fetchone()[0]
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\x5a" * 4096
    path.write_bytes(content)
    with pytest.raises(BadDependencyReply, match=r"corpus\.sqlite3 is damaged; restore"):
        open_corpus(path)


def test_a_reader_cannot_write_and_makes_no_file(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        open_reader(path)
    open_corpus(path).close()
    db = open_reader(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM meta")
    db.close()


class _WithoutFts5:
    """A connection of a SQLite that was built without it."""

    def __init__(self, message: str) -> None:
        self._message = message

    def execute(self, _: str) -> None:
        raise sqlite3.OperationalError(self._message)


def test_without_fts5_the_message_names_the_way_out() -> None:
    with pytest.raises(BadDependencyReply, match=r"without FTS5.*use a Python"):
        require_fts5(_WithoutFts5("no such module: fts5"))  # type: ignore[arg-type]


def test_another_failure_is_not_taken_for_a_missing_fts5() -> None:
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        require_fts5(_WithoutFts5("disk I/O error"))  # type: ignore[arg-type]
