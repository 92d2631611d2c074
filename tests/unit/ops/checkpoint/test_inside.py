"""What a helper container does to volumes, done to folders here."""

import json
import os
from typing import Any

import pytest

from ops.checkpoint.inside import main
from service.data_folder import DataFolder
from service.store_swap import NEW, beside
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand, sources


class Helper:
    """Runs verbs over the folders of a stand, whose vectors lie apart, as volumes do."""

    def __init__(self, stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
        self.corpus = stand.data
        self.vectors = stand.folder / "vectors"
        (stand.data / "chroma").rename(self.vectors)
        self.checkpoint = stand.archive.folder
        self._capsys = capsys

    def __call__(self, *words: str, status: int = 0) -> dict[str, Any]:
        self._capsys.readouterr()
        ended = main(words, self.corpus, self.vectors, self.checkpoint)
        told = json.loads(self._capsys.readouterr().out)
        assert ended == status, told
        return dict(told)


@pytest.fixture
def helper(stand: Stand, capsys: pytest.CaptureFixture[str]) -> Helper:
    return Helper(stand, capsys)


def test_a_copy_of_both_volumes(helper: Helper) -> None:
    assert helper("look")["identity"]
    (helper.checkpoint / "half").mkdir()
    assert helper("copy", "half", "alone")["bytes"] > 0
    assert (helper.checkpoint / "half" / "store" / "chroma" / "chroma.sqlite3").exists()
    (helper.corpus / "models.json").write_text("{}")
    helper("digests", "half", "models.json")
    assert (helper.checkpoint / "half" / "models.json").exists()


def test_an_exchange_in_steps(helper: Helper) -> None:
    assert helper("journal")["journal"] is None
    assert helper("stage", "first")["bytes"] > 0
    assert beside(helper.vectors, NEW).is_dir()
    assert helper("version")["version"] > 0
    helper("begin", "first", "alone")
    told = helper("journal")["journal"]
    assert (told["phase"], told["vectors"]) == ("forward", str(helper.vectors))
    helper("advance", "alone")
    assert helper("journal")["journal"]["phase"] == "placed"
    helper("back", "alone")
    assert helper("journal")["journal"] is None
    helper("stage", "first")
    helper("begin", "first")
    helper("advance")
    helper("settle")
    assert not (helper.vectors / ".restore").exists()


def test_what_cannot_be_done_is_told_in_words(helper: Helper) -> None:
    with DataFolder(helper.corpus):
        assert "is used by process" in helper("copy", "half", "alone", status=1)["failure"]
    assert "manifest.json: is missing" in helper("stage", "none", status=1)["failure"]
    assert "does not know" in helper("dance", status=1)["failure"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_makes_is_given_to_the_owner_of_the_volume(helper: Helper, stand: Stand) -> None:
    os.chown(helper.corpus, 10001, 10001)
    os.chown(helper.vectors, 10001, 10001)
    helper("stage", "first")
    helper("begin", "first", "alone")
    helper("advance", "alone")
    for folder in (helper.corpus, helper.vectors):
        assert {path.stat().st_uid for path in folder.rglob("*")} == {10001}
    helper("settle")
    helper.vectors.rename(stand.data / "chroma")
    assert len(sources(stand.data)) == DOCUMENTS
