"""Holding and slowing."""

import pytest

from ops.stack.process import wait_until
from service.cli.drill.halting import Slowed, held
from service.cli.drill.processes import Process
from tests.fakes.drill_machine import FakeMachine

WITHIN_S = 10.0


def test_a_held_process_is_guarded_first_and_goes_on_after_a_failure() -> None:
    machine = FakeMachine()
    process = machine.add(1, "ollama")
    with pytest.raises(KeyboardInterrupt), held(machine, process):
        assert machine.is_stopped(process)
        raise KeyboardInterrupt
    assert machine.log == [f"{what} {process.pid}" for what in ("guard", "stop", "resume")]
    assert not machine.is_stopped(process)


def test_a_slowed_process_is_held_again_and_again_and_goes_on_in_the_end() -> None:
    machine = FakeMachine()
    process = machine.add(1, "runner")
    with Slowed(machine, lambda: process, 0.001, 0.001) as slowed:
        wait_until(lambda: machine.log.count(f"stop {process.pid}") > 3, WITHIN_S, "it is held again")
        assert slowed.now == process
    assert not machine.is_stopped(process)
    assert machine.log[-1] == f"unguard {process.pid}"
    assert slowed.now is None


def test_another_is_slowed_when_it_has_ended() -> None:
    machine = FakeMachine()
    first, second = machine.add(1, "runner"), machine.add(2, "runner")
    found = [first]
    with Slowed(machine, lambda: found[-1], 0.001, 0.001) as slowed:
        wait_until(lambda: slowed.now == first, WITHIN_S, "the first is slowed")
        machine.kill(first)
        found.append(second)
        wait_until(lambda: slowed.now == second, WITHIN_S, "the second is slowed")
    assert not machine.is_stopped(second)


def test_while_there_is_none_nothing_is_held() -> None:
    machine = FakeMachine()
    asked: list[int] = []

    def none() -> Process | None:
        asked.append(1)
        return None

    with Slowed(machine, none, 0.001, 0.001) as slowed:
        wait_until(lambda: len(asked) > 1, WITHIN_S, "it is looked for")
        assert slowed.now is None
    assert machine.log == []
