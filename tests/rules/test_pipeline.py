"""Rules about whether telemetry can be believed."""

from tests.rules.case import run
from tests.rules.pace import DEVELOPMENT_PACE, PRODUCTION_PACE
from tests.rules.pipeline_cases import CASES, QUICK, TEXTS


def test_what_is_lost_is_told_of_and_nothing_else() -> None:
    outcome = run((*CASES.values(), *TEXTS), PRODUCTION_PACE.limits)

    assert outcome.passed, outcome.said


def test_the_same_at_the_pace_of_development() -> None:
    outcome = run(QUICK.values(), DEVELOPMENT_PACE.limits)

    assert outcome.passed, outcome.said
