"""A checkpoint is what was written, or every file at fault is named; it is never changed by the look."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ops.checkpoint.files import FileRecord, listing, record
from ops.checkpoint.manifest import CORPUS, NAME, Manifest, records
from ops.checkpoint.verifying import verify
from service.cli.failures import Failure
from tests.unit.ops.checkpoint.stand import Stand


def all_of(folder: Path) -> dict[Path, FileRecord]:
    return {path: record(path) for path in listing(folder)}


def rewritten(path: Path, **changes: object) -> None:
    """The manifest as whoever made these files would have written it."""
    old = Manifest.read(path)
    made = Manifest(**{**vars(old), "files": records(path), **changes})
    (path / NAME).write_text(made.text())


def test_a_good_one_is_asked_and_left_alone(stand: Stand) -> None:
    before = all_of(stand.archive.folder)
    manifest, found = verify(stand.path(), stand.making().screen)
    assert manifest.name == "first"
    assert len(found.questions) == manifest.corpus["known_answers"]
    assert all_of(stand.archive.folder) == before


def test_every_fault_is_named(stand: Stand) -> None:
    corpus = stand.path() / CORPUS
    content = bytearray(corpus.read_bytes())
    content[len(content) // 2] ^= 1
    corpus.write_bytes(content)
    (stand.path() / "known-answers.json").unlink()
    with pytest.raises(Failure, match="is damaged") as caught:
        verify(stand.path(), stand.making().screen)
    told = {caught.value.why, *caught.value.lines}
    assert told == {"known-answers.json: is missing", f"{CORPUS}: its content was changed"}


def test_the_manifest_of_another_one_is_named(stand: Stand) -> None:
    shutil.copytree(stand.path(), stand.path("other"))
    with pytest.raises(Failure, match="is damaged") as caught:
        verify(stand.path("other"), stand.making().screen)
    assert caught.value.why == "manifest.json: is that of checkpoint first"


def test_a_newer_schema_is_refused_by_the_manifest(stand: Stand) -> None:
    rewritten(stand.path(), schema={"checkpoint": 1, "corpus": 99}, tools={"emini-rag": "9.9.9"})
    with pytest.raises(Failure, match="newer emini-rag") as caught:
        verify(stand.path(), stand.making().screen)
    assert "9.9.9" in caught.value.todo


def test_whole_files_that_do_not_answer_are_refused(stand: Stand) -> None:
    with closing(sqlite3.connect(stand.path() / CORPUS, isolation_level=None)) as db:
        db.execute("INSERT INTO words (words) VALUES ('delete-all')")
    for path in stand.path().rglob("corpus.sqlite3-*"):
        path.unlink()
    rewritten(stand.path())
    with pytest.raises(Failure, match="is not good") as caught:
        verify(stand.path(), stand.making().screen)
    assert "answered otherwise" in caught.value.why
