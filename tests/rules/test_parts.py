"""Rules about what is away, and about what says nothing any more."""

from tests.rules import absent_cases, parts_cases
from tests.rules.case import run
from tests.rules.pace import DEVELOPMENT_PACE, PRODUCTION_PACE


def test_what_is_away_is_told_of_and_nothing_else() -> None:
    cases = (*parts_cases.CASES.values(), *absent_cases.CASES.values(), *parts_cases.TEXTS, *absent_cases.TEXTS)
    outcome = run(cases, PRODUCTION_PACE.limits)

    assert outcome.passed, outcome.said


def test_the_same_at_the_pace_of_development() -> None:
    outcome = run((*parts_cases.QUICK.values(), *absent_cases.QUICK.values()), DEVELOPMENT_PACE.limits)

    assert outcome.passed, outcome.said
