"""Rules that compare versions, and development with production."""

from dataclasses import replace

import pytest

from tests.rules.case import Case, run
from tests.rules.pace import texts
from tests.rules.version_cases import (
    BESIDE,
    CASES,
    FLEET_AS_BEFORE,
    FLEET_REPLACED,
    FLEET_SLOWER,
    LIMITS,
    NEW,
    VERSION,
    beside,
    by_hand,
    developed_by_hand,
    fires,
)


def _asked(environment: str, condition: str) -> str:
    return (
        f'{{ resource.service.name = "emini-rag" && resource.deployment.environment.name = "{environment}" && '
        f'name = "invoke_workflow ask" && {condition}span.gen_ai.request.model = "qwen2.5-coder:14b" && '
        "duration > 10.24s }"
    )


def test_the_slower_one_is_told_of_and_nothing_else() -> None:
    outcome = run(CASES, LIMITS)

    assert outcome.passed, outcome.said


@pytest.mark.parametrize("case", [FLEET_AS_BEFORE, FLEET_REPLACED, FLEET_SLOWER], ids=lambda case: case.name)
def test_chance_is_no_difference_and_half_as_slow_again_is_found(case: Case) -> None:
    outcome = run([case], LIMITS)

    assert outcome.passed, outcome.said


def test_it_says_which_version_is_slower_and_by_how_much() -> None:
    firing = replace(fires(240)[0], annotations=texts(
        VERSION, f"Version {NEW} takes 2 times as long as others with qwen2.5-coder:14b",
        "Geometric mean of the same 2h, from buckets: 240 of 480 answers are its own. It is 21.91 standard errors "
        "above the others; it fires above 3.5.",
        "model", _asked("production", f'resource.service.version = "{NEW}" && '),
        environment="production", model="qwen2.5-coder%3A14b",
    ))  # fmt: skip
    outcome = run([replace(by_hand, expected=[firing], recorded=())], LIMITS)

    assert outcome.passed, outcome.said


def test_it_says_how_much_slower_development_is() -> None:
    firing = replace(beside(240)[0], annotations=texts(
        BESIDE, "qwen2.5-coder:14b takes 2 times as long in development as in production",
        "Geometric mean of the same 2h, from buckets: 240 answers against 240.",
        "environments", _asked("development", ""),
    ))  # fmt: skip
    outcome = run([replace(developed_by_hand, expected=[firing], recorded=())], LIMITS)

    assert outcome.passed, outcome.said
