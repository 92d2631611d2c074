"""Rules about what is wrong with answers now: failures, rejections, waiting, models that are loaded again and again."""

from tests.rules.answers_cases import CASES, QUICK, TEXTS
from tests.rules.case import run
from tests.rules.pace import DEVELOPMENT_PACE, PRODUCTION_PACE


def test_what_is_wrong_is_told_of_and_nothing_else() -> None:
    outcome = run((*CASES.values(), *TEXTS), PRODUCTION_PACE.limits)

    assert outcome.passed, outcome.said


def test_the_same_at_the_pace_of_development() -> None:
    outcome = run(QUICK.values(), DEVELOPMENT_PACE.limits)

    assert outcome.passed, outcome.said
