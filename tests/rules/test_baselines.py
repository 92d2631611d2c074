"""Rules about what is usual."""

from tests.rules.baseline_cases import PAST
from tests.rules.case import run
from tests.rules.collected import LIMITS


def test_the_past_is_a_week_that_ends_where_the_present_window_begins() -> None:
    outcome = run([PAST], LIMITS)

    assert outcome.passed, outcome.said
