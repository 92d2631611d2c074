"""Few second tries: a share of the calls, and one for a quiet box."""

from service.generation.retries import RetryBudget
from tests.fakes.clock import ManualClock


def taken(budget: RetryBudget, tries: int) -> int:
    return sum(budget.take() for _ in range(tries))


def test_a_quiet_box_has_one() -> None:
    budget = RetryBudget(ManualClock())
    budget.note_call()
    assert taken(budget, 5) == 1


def test_a_busy_one_has_a_tenth() -> None:
    budget = RetryBudget(ManualClock())
    for _ in range(200):
        budget.note_call()
    assert taken(budget, 200) == 20


def test_a_minute_later_there_is_room_again() -> None:
    clock = ManualClock()
    budget = RetryBudget(clock)
    budget.note_call()
    assert taken(budget, 2) == 1
    clock.advance(59.9)
    assert not budget.take()
    clock.advance(0.1)
    assert budget.take()


def test_calls_of_long_ago_give_no_room() -> None:
    clock = ManualClock()
    budget = RetryBudget(clock)
    for _ in range(100):
        budget.note_call()
    clock.advance(60)
    assert taken(budget, 10) == 1
