"""What is started on a data folder: the version pointed to, once if on trial, and this checkout where nothing was."""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.rollout import launch, pointer
from ops.rollout.launch import ROOT
from ops.rollout.pointer import FOLDER, LOCK, Launched, Pointer, Version
from ops.stack.process import wait_until


class Launching:
    """A data folder in which versions are laid out, and what the launcher would become."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.folder = self.data / FOLDER
        self.folder.mkdir(parents=True)
        self.became: list[tuple[str, list[str], Mapping[str, str]]] = []

    def version(self, letter: str) -> Version:
        place = self.data / "versions" / letter
        (place / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (place / ".venv" / "bin" / "python").touch()
        return Version(letter * 40, str(place))

    def start(self) -> int:
        variables = {"RAG_DATA_DIR": str(self.data), "HOME": "/home/a", "RAG_REVISION": "of before"}
        return launch.main(variables, lambda *words: self.became.append(words), lambda _: None)

    @property
    def place(self) -> str:
        """Of what was started last."""
        return self.became[-1][2]["PYTHONPATH"]


@pytest.fixture
def launching(tmp_path: Path) -> Launching:
    return Launching(tmp_path)


def test_where_nothing_was_deployed_this_checkout_runs(launching: Launching, tmp_path: Path) -> None:
    assert launching.start() == 0
    assert launching.became[0][:2] == (sys.executable, [sys.executable, "-P", "-m", "service"])
    assert launching.place == str(ROOT)
    became: list[object] = []
    launch.main({"RAG_DATA_DIR": str(tmp_path / "no")}, lambda *words: became.append(words))
    assert len(became) == 1
    assert not (tmp_path / "no").exists()


def test_what_was_deployed_runs_with_its_own_python_and_the_same_environment(
    launching: Launching, capsys: pytest.CaptureFixture[str]
) -> None:
    version = launching.version("a")
    pointer.write(launching.folder, Pointer(version))
    assert launching.start() == 0
    program, words, variables = launching.became[0]
    assert program == words[0] == f"{version.place}/.venv/bin/python"
    assert variables["PYTHONPATH"] == version.place
    assert (variables["RAG_REVISION"], variables["HOME"]) == (version.commit, "/home/a")
    assert "not this checkout" in capsys.readouterr().err
    assert pointer.launched(launching.folder) == Launched(os.getpid(), version.place, "", launch._output())


def test_a_version_that_is_gone_or_a_pointer_that_is_broken_starts_nothing(
    launching: Launching, capsys: pytest.CaptureFixture[str]
) -> None:
    pointer.write(launching.folder, Pointer(Version("c" * 40, str(launching.data / "gone"))))
    assert launching.start() == 78
    (launching.folder / "current.json").write_text("?")
    assert launching.start() == 78
    assert launching.became == []
    assert "emini-rag deploy" in capsys.readouterr().err


def test_with_no_deploy_at_work_a_trial_gives_way_to_the_version_before(launching: Launching) -> None:
    """Whether it was started, as when the machine restarts, or not yet."""
    old, new = launching.version("a"), launching.version("b")
    pointer.write(launching.folder, Pointer(new, old, "one"))
    launching.start()
    assert launching.place == old.place
    pointer.note_launch(launching.folder, Launched(1, new.place, "one", ""))
    for _ in range(3):
        launching.start()
        assert launching.place == old.place


def test_each_try_is_started_once(launching: Launching) -> None:
    old, new = launching.version("a"), launching.version("b")
    with pointer._locked(launching.folder / LOCK, 2):
        for trial in ("one", "another"):
            pointer.write(launching.folder, Pointer(new, old, trial))
            assert launch.chosen(launching.folder) == (new, trial)
            launching.start()
            assert launching.place == new.place
            assert launch.chosen(launching.folder) is None


def test_a_note_that_cannot_be_written_keeps_no_kept_version_away(launching: Launching) -> None:
    old, new = launching.version("a"), launching.version("b")
    # A folder in its place: what cannot be replaced is as what does not fit.
    (launching.folder / "launched.json").mkdir()
    pointer.write(launching.folder, Pointer(new, old))
    launching.start()
    assert launching.place == new.place
    with pointer._locked(launching.folder / LOCK, 2):
        pointer.write(launching.folder, Pointer(old, new, "one"))
        with pytest.raises(OSError, match="directory"):
            launching.start()
    assert list(launching.folder.glob(".launched*")) == []


def test_while_a_deploy_decides_a_trial_that_has_ended_waits(launching: Launching) -> None:
    old, new = launching.version("a"), launching.version("b")
    pointer.write(launching.folder, Pointer(new, old, "one"))
    with pointer._locked(launching.folder / LOCK, 2):
        launching.start()
        thread = threading.Thread(target=launching.start)
        thread.start()
        thread.join(0.05)
        assert len(launching.became) == 1
        pointer.write(launching.folder, Pointer(old, new))
        wait_until(lambda: len(launching.became) == 2, 10, "the old one is started")
    thread.join(10)
    assert launching.place == old.place


def test_a_kept_version_is_started_again_and_again(launching: Launching) -> None:
    new = launching.version("b")
    pointer.write(launching.folder, Pointer(new, launching.version("a")))
    for _ in range(3):
        launching.start()
        assert launching.place == new.place
