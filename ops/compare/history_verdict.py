"""The verdict of a comparison from Prometheus alone. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.compare.blocks import TierHistory
from ops.compare.measured import Side
from ops.compare.ranks import holm, shares_p
from ops.compare.recorded import Totals
from ops.compare.verdict import EXIT_CODES, FAILURES, TOO_LITTLE, Floor, Verdict
from prometheus.thresholds import Ratios

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class HistoryJudgement:
    """`changed` are the tiers that did and how, `failing` that more fails; `p` the corrected ones of what was tested.

    `enough` says whether anything could be judged.
    """

    verdict: Verdict
    floor: Floor
    changed: dict[str, Verdict]
    failing: bool
    p: dict[str, float]
    enough: bool

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict] if self.enough else TOO_LITTLE


def judge_history(
    found: Sequence[TierHistory], totals: Mapping[Side, Totals], floor: Floor, limits: Ratios
) -> HistoryJudgement:
    """What changed surely and enough to matter. More failures count more than times, as in a replay."""
    b, c = totals[Side.BASELINE], totals[Side.CANDIDATE]
    judged = {one.tier: one for one in found if one.enough}
    chances = {tier: one.p for tier, one in judged.items()}
    p = holm(chances | {FAILURES: shares_p(b.failed, b.asked, c.failed, c.asked)})
    changed: dict[str, Verdict] = {}
    for tier, one in judged.items():
        side = floor.side_of(one.typical.value, one.medians_s[0])
        if side and p[tier] <= ALPHA:
            changed[tier] = Verdict.SLOWER if side > 0 else Verdict.FASTER
    failing = (
        p[FAILURES] <= ALPHA and c.failed >= limits.min_events and c.failed_share - b.failed_share >= limits.errors[0]
    )
    if failing:
        verdict = Verdict.DIFFERENT
    elif Verdict.SLOWER in changed.values():
        verdict = Verdict.SLOWER
    else:
        verdict = Verdict.FASTER if changed else Verdict.NO_EVIDENCE
    return HistoryJudgement(verdict, floor, changed, failing, p, enough=failing or bool(judged))
