"""How fast questions follow each other."""

from ops.compare.pace import Pace, allowed_per_s
from tests.fakes.clock import ManualClock


def test_turns_come_evenly_and_the_first_at_once() -> None:
    clock = ManualClock()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(round(seconds, 6))
        clock.advance(seconds)

    pace = Pace(4.0, clock, wait)
    for _ in range(3):
        pace.turn()
    assert waited == [0.25, 0.25]
    clock.advance(10)
    pace.turn()
    pace.turn()
    assert waited == [0.25, 0.25, 0.25]


def test_development_is_asked_as_fast_as_wished() -> None:
    assert allowed_per_s(None, 2.0, "development", 1.0) == (2.0, "")
    assert allowed_per_s(50.0, 2.0, "development", 1.0) == (50.0, "")


def test_production_is_asked_slowly_and_a_faster_wish_is_refused() -> None:
    assert allowed_per_s(None, 2.0, "production", 1.0) == (1.0, "")
    assert allowed_per_s(0.5, 2.0, "production", 1.0) == (0.5, "")
    assert allowed_per_s(5.0, 2.0, "production", 10.0) == (5.0, "")
    per_s, why_not = allowed_per_s(5.0, 2.0, "production", 1.0)
    assert per_s == 1.0
    assert why_not == "5 questions a second are wished, 1 are allowed to production"


def test_what_does_not_say_it_is_development_is_taken_for_production() -> None:
    assert allowed_per_s(None, 2.0, "", 1.0)[0] == 1.0
