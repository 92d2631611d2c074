"""What is seen of other processes."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from ops.rollout.processes import is_alive, is_locked, started_with
from ops.stack.process import wait_until


def test_environment_and_folder_of_a_process(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "input()"]
    with subprocess.Popen(words, cwd=tmp_path, env={"A": "b=c", "HOME": "/h"}, stdin=subprocess.PIPE) as process:
        # Before its exec it is still this process, with this one's environment.
        wait_until(lambda: "A" in getattr(started_with(process.pid), "variables", ()), 10, "it is the other program")
        found = started_with(process.pid)
        process.communicate(b"\n")
    assert found is not None
    assert found.folder == tmp_path
    assert (found.variables["A"], found.variables["HOME"]) == ("b=c", "/h")
    assert started_with(process.pid) is None


def test_one_that_has_ended_and_is_not_buried_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        wait_until(lambda: not is_alive(process.pid), 10, "it has ended")
        assert process.returncode is None
    assert not is_alive(process.pid)
    assert is_alive(os.getpid())
    assert is_alive(1)


def test_where_the_system_does_not_say_a_process_that_takes_signals_is_alive(tmp_path: Path) -> None:
    assert is_alive(os.getpid(), tmp_path / "no")


def test_a_lock_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    with path.open("w") as file:
        assert not is_locked(path)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_locked(path)
