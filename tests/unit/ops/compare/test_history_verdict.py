"""The verdict from Prometheus alone."""

import pytest

from ops.compare.blocks import TierHistory
from ops.compare.history_verdict import HistoryJudgement, judge_history
from ops.compare.measured import Side
from ops.compare.verdict import TOO_LITTLE, Floor, Verdict
from prometheus.thresholds import load
from tests.unit.ops.compare.made import history, totals

LIMITS = load().ratio


def judged(
    found: list[TierHistory], baseline: float = 0, candidate: float = 0, asked: float = 1000
) -> HistoryJudgement:
    """`baseline` and `candidate` of `asked` failed."""
    counts = {Side.BASELINE: totals(asked, failed=baseline), Side.CANDIDATE: totals(asked, failed=candidate)}
    return judge_history(found, counts, Floor(), LIMITS)


@pytest.mark.parametrize(
    ("found", "verdict", "named"),
    [
        ([history("a", 1.5, 0.001), history("b", 0.6, 0.001)], Verdict.SLOWER, {"a": "slower", "b": "faster"}),
        ([history("a", 0.6, 0.001)], Verdict.FASTER, {"a": "faster"}),
        # Tier and failures are tested: a p of 0.03 alone is not enough, nor are 0.02 with another tier.
        ([history("a", 1.5, 0.03)], Verdict.NO_EVIDENCE, {}),
        ([history("a", 1.5, 0.024)], Verdict.SLOWER, {"a": "slower"}),
        ([history("a", 1.5, 0.02), history("b", 1.0, 0.9)], Verdict.NO_EVIDENCE, {}),
        ([history("a", 1.05, 0.001)], Verdict.NO_EVIDENCE, {}),
        ([history("a", 1.5, 0.001, blocks=7)], Verdict.NO_EVIDENCE, {}),
        ([], Verdict.NO_EVIDENCE, {}),
    ],
)
def test_the_verdict_is_sure_and_large_enough(
    found: list[TierHistory], verdict: Verdict, named: dict[str, str]
) -> None:
    told = judged(found)
    assert (told.verdict, told.changed, told.failing) == (verdict, named, False)


def test_more_failures_are_the_verdict_whatever_the_times_are() -> None:
    told = judged([history("a", 0.6, 0.001)], baseline=10, candidate=60)
    assert (told.verdict, told.failing, told.changed, told.exit_code) == (
        Verdict.DIFFERENT,
        True,
        {"a": "faster"},
        11,
    )
    assert judged([history("a", 1.0, 0.9)], baseline=60, candidate=10).verdict is Verdict.NO_EVIDENCE


def test_few_slight_or_chance_failures_are_none() -> None:
    quiet = [history("a", 1.0, 0.9)]
    few = LIMITS.min_events - 1
    assert not judged(quiet, candidate=few, asked=8).failing
    assert judged(quiet, candidate=few + 1, asked=8).failing
    # Surely more, and too little more to matter.
    assert not judged(quiet, baseline=100, candidate=800, asked=100_000).failing
    # Much more, and perhaps by chance.
    assert not judged(quiet, baseline=5, candidate=9, asked=100).failing


def test_too_little_is_told_unless_failures_say_enough() -> None:
    assert (judged([]).enough, judged([]).exit_code) == (False, TOO_LITTLE)
    assert (judged([], candidate=500).enough, judged([], candidate=500).exit_code) == (True, 11)
    assert judged([history("a", 1.0, 0.9)]).exit_code == 0
