"""Checkpoints appear whole or not at all, and stay as long as somebody needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

from ops.checkpoint.archive import Archive
from ops.checkpoint.files import write
from ops.checkpoint.manifest import NAME, Manifest, records
from service.cli.failures import Failure


def make(archive: Archive, name: str, at: float = 0.0) -> None:
    with archive.changing(), archive.making(name) as half:
        write(half / "file", name)
        write(half / NAME, Manifest(name, at, "development", "here", files=records(half)).text())


def test_the_newest_comes_first_and_the_damaged_are_told(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "all")
    assert archive.listed() == []
    for name, at in (("b", 2.0), ("a", 3.0), ("c", 1.0)):
        make(archive, name, at)
    (archive.path("c") / "file").unlink()
    (archive.path("b") / NAME).write_text("{}")
    assert [(one.name, one.fault) for one in archive.listed()] == [
        ("a", ""),
        ("c", "file: is missing"),
        ("b", "manifest.json: cannot be read (KeyError)"),
    ]
    assert archive.folder.stat().st_mode & 0o777 == 0o700


def test_what_fails_is_not_there(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with pytest.raises(OSError, match="full"), archive.changing(), archive.making("a") as half:
        write(half / "file", "half")
        raise OSError("full")
    assert archive.names() == []
    assert not list(tmp_path.glob(".new-*"))


def test_what_a_kill_left_is_not_listed_and_goes_with_the_next_change(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for left in (".new-a", ".look-x"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "file").touch()
    assert archive.names() == []
    make(archive, "a")
    assert archive.names() == ["a"]
    assert not (tmp_path / ".look-x").exists()


def test_a_name_is_used_once(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    make(archive, "a")
    with pytest.raises(Failure, match="already"):
        make(archive, "a")
    assert archive.names() == ["a"]


@pytest.mark.parametrize("name", ["", "../a", ".a", "a/b", "a b", "-a", "a" * 81, "ä", "a\n"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Failure, match="no name of a checkpoint"):
        Archive(tmp_path).path(name)


def test_one_process_changes_it_at_a_time(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\nfrom ops.checkpoint.archive import Archive\n"
        "with Archive(pathlib.Path(sys.argv[1])).changing():\n    print('has it', flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "has it\n"
        with pytest.raises(Failure, match="is in use") as caught, Archive(tmp_path).changing():
            pass
        assert str(other.pid) in caught.value.why
    finally:
        other.kill()
        other.communicate()
    with Archive(tmp_path).changing():
        pass


def test_pins_are_kept_by_reason(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    make(archive, "a")
    make(archive, "b")
    assert archive.pins() == {}
    archive.pin("in use", "a")
    archive.pin("rollout", "a")
    archive.pin("in use", "b")
    assert {one.name: one.pins for one in archive.listed()} == {"a": ("rollout",), "b": ("in use",)}
    archive.pin("rollout", None)
    assert archive.pins() == {"in use": "b"}
    (tmp_path / "pins.json").write_text("{")
    with pytest.raises(Failure, match="cannot be read"):
        archive.pins()


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="cannot be written") as caught, Archive(tmp_path / "file").changing():
        pass
    assert "--folder" in caught.value.todo


def test_removing_one(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    make(archive, "a")
    with archive.changing():
        archive.remove("a")
    assert list(tmp_path.glob("*a*")) == []
    with pytest.raises(Failure, match="no checkpoint a"):
        archive.remove("a")
