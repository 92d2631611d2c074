"""The file that says what runs: whole or not there, and never guessed at."""

import threading
from pathlib import Path

import pytest

from ops.rollout import pointer
from ops.rollout.pointer import HOLD, LOCK, Launched, Pointer, Unreadable, Version
from ops.stack.process import wait_until

OLD, NEW = Version("a" * 40, "/versions/a", 1), Version("b" * 40, "/versions/b", 2)


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert pointer.read(tmp_path) is None
    for written in (Pointer(NEW, OLD, "try"), Pointer(NEW, OLD), Pointer(OLD)):
        pointer.write(tmp_path, written)
        assert pointer.read(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == ["current.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"current": null, "before": null, "trial": ""}', '{"current": {}}'])
def test_what_cannot_be_understood_is_not_taken_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "current.json").write_text(text)
    with pytest.raises(Unreadable, match=r"current\.json"):
        pointer.read(tmp_path)


def test_what_was_launched_is_remembered_and_a_spoiled_note_is_none(tmp_path: Path) -> None:
    assert pointer.launched(tmp_path) is None
    note = Launched(12, "/versions/a", "try", "")
    pointer.note_launch(tmp_path, note)
    assert pointer.launched(tmp_path) == note
    (tmp_path / "launched.json").write_text('{"pid": ')
    assert pointer.launched(tmp_path) is None
    (tmp_path / "launched.json").write_text('{"pid": 1}')
    assert pointer.launched(tmp_path) is None


def test_nothing_starts_while_it_is_held(tmp_path: Path) -> None:
    free = threading.Event()

    def start() -> None:
        with pointer.starting(tmp_path):
            free.set()

    with pointer.holding(tmp_path):
        thread = threading.Thread(target=start)
        thread.start()
        assert not free.wait(0.05)
    wait_until(free.is_set, 10, "it is free")
    thread.join(10)
    assert (tmp_path / HOLD).exists()


def test_a_deploy_is_seen_by_its_lock(tmp_path: Path) -> None:
    assert not pointer.is_deploying(tmp_path)
    with pointer._locked(tmp_path / LOCK, 2):
        assert pointer.is_deploying(tmp_path)
    assert not pointer.is_deploying(tmp_path)


def test_a_version_is_named_by_its_commit_or_its_place() -> None:
    assert (OLD.short, Version("", "emini-rag:was-1").short) == ("a" * 12, "emini-rag:was-1")
    assert Version.of(None) is None
