"""A copy is opened and asked; what is wrong with it is told in words."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ops.checkpoint.looking import look, main
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand


@pytest.fixture
def store(stand: Stand) -> Path:
    return stand.path() / "store"


def answers_of(stand: Stand) -> dict[str, Any]:
    return dict(json.loads((stand.path() / "known-answers.json").read_text()))


async def test_a_good_copy_answers_as_it_did(stand: Stand, store: Path) -> None:
    known = answers_of(stand)
    found = await look(store, store / "chroma", known)
    assert found.problems == []
    assert (found.documents, found.waiting, found.vectors) == (DOCUMENTS, 0, found.chunks)
    assert (found.found_themselves, found.looked_for) == (min(200, found.chunks),) * 2
    assert found.questions == known["questions"]
    # Those that the test wished for come first, and have no vector; the others bring their own.
    assert [known["questions"][0]["text"], known["questions"][0]["vector"]] == ["Sentence", None]
    assert all(len(one["vector"]) == 256 for one in known["questions"][1:])


async def test_an_answer_that_differs_is_told(stand: Stand, store: Path) -> None:
    known = answers_of(stand)
    known["questions"][0]["found"].reverse()
    known["questions"][1]["found"].pop()
    found = await look(store, store / "chroma", known)
    assert found.problems == [
        "known question 1 is answered otherwise: its first passage is another one",
        "known question 2 is answered otherwise: what comes after its first passage is another one",
    ]


async def test_an_index_that_lost_vectors_is_told(stand: Stand, store: Path) -> None:
    shutil.rmtree(store / "chroma")
    (store / "chroma").mkdir()
    found = await look(store, store / "chroma", answers_of(stand))
    assert "the vector index holds 0 vectors" in found.problems[0]
    assert "do not find themselves" in found.problems[1]


async def test_without_vectors_words_alone_are_asked(stand: Stand, store: Path) -> None:
    found = await look(store, None, {"floor": 0.0})
    assert (found.vectors, found.problems) == (None, [])
    assert len(found.questions) == 20


@pytest.mark.parametrize("name", ["corpus.sqlite3", "chroma/chroma.sqlite3"])
async def test_a_damaged_database_is_told(stand: Stand, store: Path, name: str) -> None:
    content = bytearray((store / name).read_bytes())
    content[4096:16384] = b"\xff" * 12288
    (store / name).write_bytes(content)
    try:
        problems = (await look(store, store / "chroma", answers_of(stand))).problems
    except sqlite3.DatabaseError:
        return
    assert any("damaged" in one for one in problems)


def test_a_newer_schema_is_refused_in_words(
    stand: Stand, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(store / "corpus.sqlite3")) as db:
        db.execute("PRAGMA user_version=99")
    (tmp_path / "answers").write_text("{}")
    assert main([str(store), "-", str(tmp_path / "answers")]) == 0
    assert "newer emini-rag" in json.loads(capsys.readouterr().out)["problems"][0]
