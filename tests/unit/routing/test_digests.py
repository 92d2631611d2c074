"""Digests over a restart."""

from pathlib import Path

import pytest

from service.routing.digests import KnownDigests
from service.routing.port import ModelSnapshot, ModelState
from tests.fakes.model_directory import snapshot_of


def test_what_was_seen_is_known_after_a_restart(tmp_path: Path) -> None:
    digests = KnownDigests(tmp_path / "models.json")
    assert digests.by_model == {}
    digests.note(snapshot_of({"small": True}, missing=("large",)))
    assert KnownDigests(tmp_path / "models.json").by_model == {"small": "sha-small"}


def test_a_model_pulled_anew_replaces_what_was_known_and_others_stay(tmp_path: Path) -> None:
    digests = KnownDigests(tmp_path / "models.json")
    digests.note(snapshot_of({"small": True, "large": True}))
    states = {"small": ModelState("small", installed=True, digest="new")}
    digests.note(ModelSnapshot(reachable=True, polled_at=1.0, models=states))
    assert KnownDigests(tmp_path / "models.json").by_model == {"small": "new", "large": "sha-large"}


def test_nothing_is_written_without_news(tmp_path: Path) -> None:
    digests = KnownDigests(tmp_path / "models.json")
    digests.note(snapshot_of({"small": True}))
    (tmp_path / "models.json").unlink()
    digests.note(snapshot_of({"small": False}))
    digests.note(ModelSnapshot())
    assert not (tmp_path / "models.json").exists()


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"small": 3}', "\x00"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "models.json").write_text(text)
    assert KnownDigests(tmp_path / "models.json").by_model == {}


def test_a_folder_that_cannot_be_written_to_is_only_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    digests = KnownDigests(tmp_path / "nowhere" / "models.json")
    digests.note(snapshot_of({"small": True}))
    assert digests.by_model == {"small": "sha-small"}
    assert "not written down" in caplog.text
