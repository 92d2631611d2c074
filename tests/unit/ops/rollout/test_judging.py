"""What is worse is found with its numbers; what is not certain is not a reason."""

import random
from dataclasses import replace

import pytest

from ops.rollout.evidence import QUOTED, Seen, Usual
from ops.rollout.judging import LEAST, Judged, at_least, compared, judge
from prometheus.thresholds import load

LIMITS = load()
MODEL = "llama3.2:3b"


def sample(count: int, typical: float, seed: int = 1, spread: float = 0.3) -> list[float]:
    rng = random.Random(seed)
    return [typical * rng.lognormvariate(0, spread) for _ in range(count)]


def seen(times: list[float], failed: int = 0, model: str = MODEL) -> Seen:
    return Seen(len(times) + failed, failed, {model: times} if times else {})


def of(judged: list[Judged], what: str) -> Judged:
    return next(one for one in judged if one.what == what)


def test_twice_as_slow_is_bad_against_the_version_before_and_says_how_much() -> None:
    judged = of(judge(seen(sample(40, 1.0)), seen(sample(40, 2.0, 2)), {}, LIMITS), MODEL)
    assert judged.bad
    assert "over 40 answers" in judged.said
    assert "standard errors above" in judged.said
    bounds = LIMITS.regression
    assert f"(bad above {bounds.factor:g} times and {bounds.z:g} errors)" in judged.said


def test_a_little_slower_is_not_and_neither_is_what_rests_on_few_answers() -> None:
    assert not of(judge(seen(sample(400, 1.0)), seen(sample(400, 1.1, 2)), {}, LIMITS), MODEL).bad
    few = of(judge(seen(sample(40, 1.0)), seen(sample(LEAST - 1, 5.0, 2)), {}, LIMITS), MODEL)
    assert not few.bad
    assert "too few to judge" in few.said
    assert "nothing to compare with" in of(judge(Seen(), seen(sample(9, 1.0)), {}, LIMITS), MODEL).said


def test_milliseconds_may_double() -> None:
    assert not of(judge(seen(sample(40, 0.01)), seen(sample(40, 0.03, 2)), {}, LIMITS), MODEL).bad
    assert of(judge(seen(sample(40, 0.1)), seen(sample(40, 0.4, 2)), {}, LIMITS), MODEL).bad


def test_the_past_that_prometheus_knows_counts_more_than_the_version_before() -> None:
    usual = {MODEL: Usual(1.0, 0.05, 100)}
    slow = seen(sample(100, 2.0))
    judged = of(judge(seen(sample(100, 2.0, 3)), slow, usual, LIMITS), MODEL)
    assert judged.bad
    assert "usual, by Prometheus: 1.00 s" in judged.said
    assert not of(judge(Seen(), seen(sample(100, 1.0)), usual, LIMITS), MODEL).bad
    # A quiet hour: its mean may lie further away.
    wide = {MODEL: Usual(1.0, 0.15, 10_000)}
    assert not of(judge(Seen(), seen(sample(25, 1.6)), wide, LIMITS), MODEL).bad
    assert "too few" in of(judge(Seen(), seen(sample(5, 9.0)), usual, LIMITS), MODEL).said


def test_a_past_without_any_spread_is_no_division() -> None:
    assert of(judge(Seen(), seen([2.0] * 30), {MODEL: Usual(1.0, 0.0, 30)}, LIMITS), MODEL).bad
    assert not of(judge(Seen(), seen([1.0] * 30), {MODEL: Usual(1.0, 0.0, 30)}, LIMITS), MODEL).bad


def test_a_model_may_have_a_factor_of_its_own() -> None:
    lenient = replace(LIMITS, regression=replace(LIMITS.regression, factor_of={MODEL: 3.0}))
    both = seen(sample(40, 1.0)), seen(sample(40, 2.0, 2))
    assert not of(judge(*both, {}, lenient), MODEL).bad


@pytest.mark.parametrize(
    ("old", "new", "bad"),
    [
        ((100, 0), (100, 0), False),
        ((100, 0), (100, 2), False),  # too few to matter
        ((100, 0), (100, 10), True),
        ((100, 10), (100, 11), False),  # as bad as before
        ((100, 10), (100, 50), True),
        ((0, 0), (6, 6), True),
        ((0, 0), (0, 0), False),
    ],
)
def test_failures_beyond_chance_and_beyond_those_before(old: tuple[int, int], new: tuple[int, int], bad: bool) -> None:
    judged = of(judge(Seen(*old), Seen(*new), {}, LIMITS), "failures")
    assert judged.bad is bad
    assert f"{new[1]} of {new[0]}" in judged.said
    assert ("by chance" in judged.said) is bad


def test_a_model_that_is_not_used_any_more_is_told() -> None:
    judged = judge(seen(sample(9, 1.0)), seen(sample(9, 0.1), model=QUOTED), {}, LIMITS)
    assert "not since" in of(judged, MODEL).said
    assert not any(one.bad for one in judged)


def test_chances() -> None:
    assert at_least(0, 10, 0.5) == 1.0
    assert at_least(3, 10, 1.0) == 1.0
    assert at_least(1, 2, 0.5) == pytest.approx(0.75)
    assert at_least(2, 2, 0.5) == pytest.approx(0.25)


def test_two_samples_of_one_kind_are_seldom_so_many_errors_apart() -> None:
    z = LIMITS.regression.z
    apart = sum(compared(sample(10, 1.0, seed), sample(10, 1.0, seed + 5_000))[1] > z for seed in range(1_000))
    assert apart <= 5
    ratio, z = compared([2.0] * 8, [1.0] * 8)
    assert ratio == pytest.approx(2.0)
    assert z > 4
