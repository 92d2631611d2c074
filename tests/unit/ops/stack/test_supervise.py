"""What ends is started again: soon, then later and later, and one day no more."""

import pytest

from ops.stack.supervise import BACKOFF_S, WELL_S, Supervisor
from tests.fakes.part import FakePart


class Clock:
    """A steady clock in a test's hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Stand:
    """A supervisor over fake parts, with what it said."""

    def __init__(self, *parts: FakePart) -> None:
        self.clock = Clock()
        self.said: list[str] = []
        self.supervisor = Supervisor(parts, self.clock, self.said.append)  # type: ignore[arg-type]

    def look(self, after_s: float = 0.0) -> None:
        self.clock.now_s += after_s
        self.supervisor.look()

    @property
    def first_lines(self) -> list[str]:
        return [text.splitlines()[0] for text in self.said]


@pytest.fixture
def part() -> FakePart:
    return FakePart()


@pytest.fixture
def stand(part: FakePart) -> Stand:
    return Stand(part)


def test_what_runs_is_left_alone(stand: Stand, part: FakePart) -> None:
    stand.look(1000)
    assert (part.calls, stand.said) == ([], [])


def test_what_has_ended_is_started_at_once_and_both_are_said(stand: Stand, part: FakePart) -> None:
    part.end("by SIGKILL")
    stand.look()
    stand.look()
    # Children of the ended process may hold its port.
    assert part.calls == ["kill", "launch"]
    stand.look()
    assert stand.said == [
        "prometheus has ended by SIGKILL; it is started again now\n--- the last 8 lines of prometheus ---",
        "prometheus runs again",
    ]
    stand.look()
    assert len(stand.said) == 2


def test_what_is_asked_to_end_again_and_again_is_started_at_once_each_time(stand: Stand, part: FakePart) -> None:
    for _ in range(2 * len(BACKOFF_S)):
        part.end("with status 0")
        stand.look()
        stand.look()
        stand.look()
    assert stand.supervisor.given_up == []
    assert part.calls.count("launch") == 2 * len(BACKOFF_S)


def test_what_ends_in_order_without_ever_being_ready_is_given_up_all_the_same(stand: Stand, part: FakePart) -> None:
    part.ready = False
    for wait_s in (*BACKOFF_S, 0.0):
        part.end("with status 0")
        stand.look()
        stand.look(wait_s)
    part.end("with status 0")
    stand.look()
    assert stand.supervisor.given_up == ["prometheus"]


def test_each_further_end_makes_the_wait_longer_until_it_is_given_up(stand: Stand, part: FakePart) -> None:
    part.ends_at_once = True
    part.end()
    for wait_s in BACKOFF_S:
        stand.look()
        launched = part.calls.count("launch")
        if wait_s:
            stand.look(wait_s - 0.1)
            assert part.calls.count("launch") == launched
        stand.look(0.1)
        assert part.calls.count("launch") == launched + 1
    stand.look()
    assert stand.supervisor.given_up == ["prometheus"]
    assert [line.partition("again ")[2] for line in stand.first_lines[:-1]] == [
        "now",
        "in 1 s",
        "in 4 s",
        "in 15 s",
        "in 60 s",
    ]
    assert "given up; the rest goes on" in stand.said[-1]
    assert "last 8 lines" in stand.said[-1]
    said = len(stand.said)
    stand.look(10_000)
    assert (part.calls.count("launch"), len(stand.said)) == (len(BACKOFF_S), said)


def test_one_that_ran_for_long_begins_anew(stand: Stand, part: FakePart) -> None:
    for _ in range(2 * len(BACKOFF_S)):
        stand.look(WELL_S + 1)
        part.end()
        stand.look()
        assert stand.first_lines[-1].endswith("started again now")
        stand.look()
        stand.look()
        assert stand.said[-1] == "prometheus runs again"
    assert not stand.supervisor.given_up


def test_one_that_ran_for_a_little_does_not(stand: Stand, part: FakePart) -> None:
    for expected in ("now", "in 1 s"):
        stand.look(WELL_S - 20)
        part.end()
        stand.look()
        assert stand.first_lines[-1].endswith(f"started again {expected}")
        stand.look(1)
        stand.look()


def test_waits_for_nothing_while_one_starts(part: FakePart) -> None:
    other = FakePart("service")
    stand = Stand(part, other)
    part.ready = False
    part.end()
    stand.look()
    stand.look()
    other.end()
    stand.look()
    stand.look()
    stand.look()
    assert stand.first_lines[-1] == "service runs again"
    assert part.calls == ["kill", "launch"]


def test_one_that_is_never_ready_counts_as_ended(stand: Stand, part: FakePart) -> None:
    part.ready = False
    part.end()
    stand.look()
    stand.look()
    stand.look(30)
    assert len(stand.said) == 1
    stand.look(0.1)
    assert stand.first_lines[-1] == "prometheus was not ready within 30 s; it is started again in 1 s"
    stand.look(1)
    assert part.calls == ["kill", "launch", "kill", "launch"]


def test_a_start_that_the_system_refuses_is_told_and_tried_again(stand: Stand, part: FakePart) -> None:
    part.refusal = OSError(28, "No space left on device")
    part.end()
    stand.look()
    stand.look()
    assert "could not be started" in stand.said[-1]
    assert "No space left" in stand.said[-1]
    part.refusal = None
    stand.look(1)
    stand.look()
    assert stand.said[-1] == "prometheus runs again"
