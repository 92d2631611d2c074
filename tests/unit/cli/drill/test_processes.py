"""Real processes of this machine, by the port on which they listen."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack.process import free_port, wait_until
from service.cli.drill.processes import Machine, Process

WITHIN_S = 10.0


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    environment = {"PATH": os.environ.get("PATH", ""), "RAG_OLLAMA__URL": "http://127.0.0.1:1", "SECRET": "x"}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment) as process:
        yield process
        process.kill()


def itself(machine: Machine) -> Process:
    """This process, found by a port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        found = machine.listening(listener.getsockname()[1])
    assert found is not None
    return found


def child(machine: Machine, process: subprocess.Popen[bytes]) -> Process:
    (found,) = [one for one in machine.children(itself(machine)) if one.pid == process.pid]
    return found


def test_the_one_that_listens_is_found_with_its_name_and_owner() -> None:
    machine = Machine()
    found = itself(machine)
    assert (found.pid, found.owner) == (os.getpid(), machine.user)
    assert found.name in str(found)
    assert "pytest" in " ".join(found.words)


def test_nobody_listens_on_a_free_port() -> None:
    assert Machine().listening(free_port()) is None


def test_where_the_system_tells_nothing_nothing_is_found(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    gone = Process(1, "1", "init", 0)
    assert machine.listening(80) is None
    assert machine.children(gone) == []
    assert machine.variables(gone, ["PATH"]) == {}
    assert not machine.is_stopped(gone)


def test_only_the_variables_that_are_asked_for_are_read(sleeper: subprocess.Popen[bytes]) -> None:
    machine = Machine()
    process = child(machine, sleeper)
    wait_until(lambda: bool(machine.variables(process, ["PATH"])), WITHIN_S, "it has its environment")
    assert machine.variables(process, ["RAG_OLLAMA__URL", "OTHER"]) == {"RAG_OLLAMA__URL": "http://127.0.0.1:1"}


def test_it_is_held_and_goes_on_and_ends(sleeper: subprocess.Popen[bytes]) -> None:
    machine = Machine()
    process = child(machine, sleeper)
    assert machine.stop(process)
    wait_until(lambda: machine.is_stopped(process), WITHIN_S, "it is held")
    assert machine.resume(process)
    wait_until(lambda: not machine.is_stopped(process), WITHIN_S, "it goes on")
    assert machine.kill(process)
    sleeper.wait(WITHIN_S)
    assert not machine.is_there(process)
    assert not machine.stop(process)


def test_another_process_with_the_same_number_is_not_touched(sleeper: subprocess.Popen[bytes]) -> None:
    machine = Machine()
    process = child(machine, sleeper)
    other = Process(process.pid, "0", process.name, process.owner)
    assert not machine.kill(other)
    assert sleeper.poll() is None


def test_a_guarded_process_goes_on_however_the_guarded_work_ended(sleeper: subprocess.Popen[bytes]) -> None:
    machine = Machine()
    process = child(machine, sleeper)
    with pytest.raises(RuntimeError), machine.guarded(process):
        machine.stop(process)
        raise RuntimeError
    wait_until(lambda: not machine.is_stopped(process), WITHIN_S, "it goes on")
