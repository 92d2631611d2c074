"""The folder of a comparison."""

import json
from pathlib import Path

import pytest

from ops.compare.document import Document
from ops.compare.files import HTML, MARKDOWN, PAIRS, RESULT, Folder
from service.cli.failures import Failure
from tests.unit.ops.compare.made import LOST, answer, pair

DOCUMENT = Document("t", "slower", "bad", ("half a pair: \ud83d",))


def test_reports_and_pairs_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "below" / "out")
    folder.keep(pair(answer(), LOST))
    folder.keep(pair(answer(answer="half: \ud83d"), answer()))
    folder.write(DOCUMENT, {"verdict": "slower"})
    folder.write(DOCUMENT, {"verdict": "slower"})
    assert {path.name for path in folder.path.iterdir()} == {HTML, MARKDOWN, PAIRS, RESULT}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder.path, *folder.path.iterdir()))
    lines = (folder.path / PAIRS).read_text().splitlines()
    assert [json.loads(line)["candidate"].get("kind") for line in lines] == ["timeout", None]
    assert json.loads((folder.path / RESULT).read_text()) == {"verdict": "slower"}
    assert (folder.path / HTML).read_text().startswith("<!doctype html>")


def test_a_folder_without_anything_in_it_can_be_dropped_and_no_other(tmp_path: Path) -> None:
    Folder(tmp_path / "empty").drop()
    assert not (tmp_path / "empty").exists()
    kept = Folder(tmp_path / "kept")
    kept.keep(pair(answer(), LOST))
    kept.drop()
    assert (tmp_path / "kept" / PAIRS).exists()


def test_an_empty_folder_may_be_there_and_a_full_one_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    Folder(tmp_path / "empty").write(DOCUMENT, {})
    for taken in (tmp_path / "empty", tmp_path / "empty" / RESULT):
        with pytest.raises(Failure, match="is there already"):
            Folder(taken)
