"""A child process: started with a bound, ended with its children, and told about when it does not start."""

import os
import sys
from pathlib import Path

import pytest

from ops.stack.process import ComponentFailed, NotInTime, Process, answers, free_port, wait_until

# Says its own id and that of a child, then waits for ever.
PARENT = """\
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def process(folder: Path, program: str) -> Process:
    return Process([sys.executable, "-c", program], {"PATH": os.defpath}, folder, folder / "log")


def gone(pid: int) -> bool:
    """Ended; a child that nobody waits for stays in the table as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_ends_its_children_with_it(tmp_path: Path) -> None:
    parent = process(tmp_path, PARENT)
    parent.start(lambda: parent.log.read_text().endswith("\n"), timeout_s=20)
    child = int(parent.log.read_text())
    assert not gone(child)
    parent.stop()
    wait_until(lambda: gone(child), 10, "the child has gone")
    assert not parent.running


def test_that_ends_at_once_is_told_with_what_it_said(tmp_path: Path) -> None:
    broken = process(tmp_path, "import sys; sys.exit('no such configuration')")
    with pytest.raises(ComponentFailed, match="ended before") as failure:
        broken.start(lambda: False, timeout_s=20)
    assert "no such configuration" in str(failure.value)
    assert not broken.running


def test_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    slow = process(tmp_path, "import time; time.sleep(600)")
    with pytest.raises(ComponentFailed, match="not within"):
        slow.start(lambda: False, timeout_s=0.1)
    assert not slow.running


def test_cannot_be_started_twice(tmp_path: Path) -> None:
    once = process(tmp_path, "import time; time.sleep(600)")
    once.start(lambda: True, timeout_s=20)
    try:
        with pytest.raises(ComponentFailed, match="already started"):
            once.start(lambda: True, timeout_s=20)
    finally:
        once.stop()


def test_keeps_the_log_of_an_earlier_start(tmp_path: Path) -> None:
    again = process(tmp_path, "import time; print('up', flush=True); time.sleep(600)")
    again.start(lambda: again.log.read_text() == "up\n", timeout_s=20)
    again.kill()
    again.start(lambda: again.log.read_text() == "up\nup\n", timeout_s=20)
    again.kill()


def test_waiting_has_a_bound() -> None:
    with pytest.raises(NotInTime, match="the moon"):
        wait_until(lambda: False, 0.05, "the moon")


def test_nobody_answers_on_a_free_port() -> None:
    assert not answers(f"http://127.0.0.1:{free_port()}/")
