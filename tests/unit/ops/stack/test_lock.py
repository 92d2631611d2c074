"""One at a time, and none for ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.stack.lock import FolderInUse, Lock
from ops.stack.process import wait_until
from ops.stack.site import ROOT

# The lock is kept as long as a name holds it.
HOLDER = """\
import pathlib, sys, time
from ops.stack.lock import Lock
held = Lock(pathlib.Path(sys.argv[1]))
held.take()
print(1, flush=True)
time.sleep(600)
"""


def test_a_second_one_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    first = Lock(tmp_path)
    first.take()
    with pytest.raises(FolderInUse) as refused:
        Lock(tmp_path).take()
    assert f"{tmp_path} is in use by another stack (process {os.getpid()})" in str(refused.value)
    assert "--data" in str(refused.value)
    first.release()


def test_is_free_again_after_a_release(tmp_path: Path) -> None:
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.take()
    first.release()
    second.take()
    second.release()
    assert (tmp_path / "stack.lock").read_text() == ""


def test_a_release_of_what_is_not_held_does_nothing(tmp_path: Path) -> None:
    first = Lock(tmp_path)
    first.take()
    Lock(tmp_path).release()
    with pytest.raises(FolderInUse):
        Lock(tmp_path).take()
    first.release()


def test_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"1\n"
        with pytest.raises(FolderInUse, match=f"process {holder.pid}"):
            Lock(tmp_path).take()
        holder.kill()
        holder.wait(10)
    lock = Lock(tmp_path)
    wait_until(lambda: _taken(lock), 10, "the lock of a killed process")
    lock.release()


def _taken(lock: Lock) -> bool:
    try:
        lock.take()
    except FolderInUse:
        return False
    return True
