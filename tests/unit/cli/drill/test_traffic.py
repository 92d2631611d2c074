"""Asking on and on."""

import threading

import pytest

from ops.stack.process import wait_until
from service.cli.drill.traffic import Traffic
from service.errors import ErrorKind
from tests.fakes.clock import ManualClock
from tests.fakes.drill_parts import failed

WITHIN_S = 10.0


def test_it_asks_until_it_is_left_and_counts_the_time_of_answers() -> None:
    clock, numbers = ManualClock(), []

    def ask(number: int) -> None:
        numbers.append(number)
        clock.advance(2.0)

    with Traffic(ask, clock, pause_s=0.001) as traffic:
        assert traffic.mean_s >= 0
        wait_until(lambda: traffic.answered >= 5, WITHIN_S, "five answers")
    asked = len(numbers)
    assert numbers == list(range(asked))
    assert traffic.mean_s == pytest.approx(2.0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("asker")]


def test_failures_are_counted_by_kind_and_are_no_failures_of_the_drill() -> None:
    def ask(number: int) -> None:
        if number % 2:
            raise failed(ErrorKind.OVERLOADED)

    with Traffic(ask, ManualClock(), pause_s=0.001) as traffic:
        wait_until(lambda: traffic.failed.total() >= 3 and traffic.answered >= 3, WITHIN_S, "some fail")
        traffic.check()
    assert set(traffic.failed) == {"overloaded"}


def test_what_comes_before_a_question_can_be_changed_meanwhile() -> None:
    order: list[str] = []
    with Traffic(lambda number: order.append("ask"), ManualClock(), pause_s=0.001) as traffic:
        wait_until(lambda: len(order) > 2, WITHIN_S, "questions")
        traffic.before = lambda: order.append("before")
        wait_until(lambda: order.count("before") > 2, WITHIN_S, "it is called")
        traffic.before = None
    assert order[: order.index("before")] == ["ask"] * order.index("before")
    for at, what in enumerate(order[:-1]):
        assert what == "ask" or order[at + 1] == "ask"


def test_what_fails_before_a_question_is_a_failure_of_the_drill() -> None:
    def broken() -> None:
        raise failed(ErrorKind.OTHER)

    with Traffic(lambda number: None, ManualClock(), pause_s=0.001) as traffic:
        traffic.before = broken
        wait_until(lambda: traffic._broken is not None, WITHIN_S, "it is noticed")
        with pytest.raises(Exception, match="It failed"):
            traffic.check()


def test_a_crowd_asks_at_once_and_is_counted_here() -> None:
    together = threading.Barrier(3)

    def ask(number: int) -> None:
        if threading.current_thread().name.startswith("asker"):
            together.wait(WITHIN_S)
        raise failed(ErrorKind.OVERLOADED)

    traffic = Traffic(ask, ManualClock())
    with traffic.more(3):
        wait_until(lambda: traffic.failed["overloaded"] >= 3, WITHIN_S, "three at once")
    together.abort()
