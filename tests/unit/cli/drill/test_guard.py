"""The program that stands by a held process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ops.stack.process import wait_until
from service.cli.drill import guard

WITHIN_S = 10.0


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def state(process: subprocess.Popen[bytes]) -> str:
    return guard.stat_of(process.pid)[0]


def hold(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: state(process) == "T", WITHIN_S, "it is held")


def test_it_resumes_when_its_input_ends(sleeper: subprocess.Popen[bytes]) -> None:
    hold(sleeper)
    words = [sys.executable, "-I", guard.__file__, str(sleeper.pid), guard.stat_of(sleeper.pid)[2]]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as standing_by:
        assert standing_by.poll() is None
        assert state(sleeper) == "T"
        assert standing_by.stdin is not None
        standing_by.stdin.close()
        assert standing_by.wait(WITHIN_S) == 0
    wait_until(lambda: state(sleeper) != "T", WITHIN_S, "it goes on")


def test_a_later_process_with_the_same_number_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    hold(sleeper)
    assert not guard.resume(sleeper.pid, "0")
    assert state(sleeper) == "T"
    assert guard.resume(sleeper.pid, guard.stat_of(sleeper.pid)[2])
    wait_until(lambda: state(sleeper) != "T", WITHIN_S, "it goes on")


def test_one_that_is_gone_is_no_failure(sleeper: subprocess.Popen[bytes]) -> None:
    started = guard.stat_of(sleeper.pid)[2]
    sleeper.kill()
    sleeper.wait(WITHIN_S)
    assert not guard.resume(sleeper.pid, started)


def test_the_parent_is_told() -> None:
    assert guard.stat_of(os.getpid())[1] == os.getppid()
