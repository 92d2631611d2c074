"""What was written is told from what was changed, whatever was changed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.checkpoint.files import write
from ops.checkpoint.manifest import FORMAT, NAME, Damaged, Manifest, faults, records


def made(folder: Path, name: str = "one") -> Path:
    path = folder / name
    (path / "store").mkdir(parents=True)
    write(path / "store" / "corpus.sqlite3", b"corpus" * 100)
    write(path / "known-answers.json", "{}")
    manifest = Manifest(name, 1_700_000_000.25, "development", "here", files=records(path), durations_s={"pause": 0.1})
    write(path / NAME, manifest.text())
    return path


def changed(path: Path, **values: Any) -> None:
    told = json.loads((path / NAME).read_text())
    (path / NAME).write_text(json.dumps(told | values))


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = made(tmp_path)
    manifest = Manifest.read(path)
    assert manifest.as_object() == json.loads((path / NAME).read_text())
    assert faults(path, manifest) == []
    assert manifest.size == 602
    (path / NAME).write_text(json.dumps(json.loads((path / NAME).read_text()), indent=7))
    assert Manifest.read(path) == manifest


@pytest.mark.parametrize("values", [{"note": "x"}, {"created_at": 1.0}, {"files": {}}, {"sha256": "0" * 64}])
def test_a_changed_manifest_is_named(tmp_path: Path, values: dict[str, Any]) -> None:
    path = made(tmp_path)
    changed(path, **values)
    with pytest.raises(Damaged, match=r"manifest\.json: was changed"):
        Manifest.read(path)


def test_that_of_another_checkpoint_is_named(tmp_path: Path) -> None:
    one, two = made(tmp_path), made(tmp_path, "two")
    shutil.copy(one / NAME, two / NAME)
    with pytest.raises(Damaged, match=r"manifest\.json: is that of checkpoint one"):
        Manifest.read(two)


def test_a_missing_an_unreadable_and_a_newer_one(tmp_path: Path) -> None:
    path = made(tmp_path)
    changed(path, format=FORMAT + 1)
    with pytest.raises(Damaged, match=f"of form {FORMAT + 1}"):
        Manifest.read(path)
    (path / NAME).write_text("{")
    with pytest.raises(Damaged, match="cannot be read"):
        Manifest.read(path)
    (path / NAME).unlink()
    with pytest.raises(Damaged, match="is missing"):
        Manifest.read(path)


@pytest.mark.parametrize("quick", [True, False])
def test_every_file_at_fault_is_named(tmp_path: Path, quick: bool) -> None:
    path = made(tmp_path)
    manifest = Manifest.read(path)
    corpus = path / "store" / "corpus.sqlite3"
    corpus.write_bytes(corpus.read_bytes()[:-1])
    (path / "known-answers.json").unlink()
    write(path / "more", "")
    told = faults(path, manifest, None) if quick else faults(path, manifest)
    assert told == [
        "more: is not in the manifest",
        "known-answers.json: is missing",
        "store/corpus.sqlite3: has 599 bytes, and had 600",
    ]


@given(st.integers(0, 599), st.integers(1, 255))
def test_any_flipped_byte_is_found(tmp_path_factory: pytest.TempPathFactory, at: int, by: int) -> None:
    path = made(tmp_path_factory.mktemp("flip"))
    corpus = path / "store" / "corpus.sqlite3"
    content = bytearray(corpus.read_bytes())
    content[at] ^= by
    corpus.write_bytes(content)
    assert faults(path, Manifest.read(path), None) == []
    assert faults(path, Manifest.read(path)) == ["store/corpus.sqlite3: its content was changed"]
