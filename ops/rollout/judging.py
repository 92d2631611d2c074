"""Whether a version is worse than the one before: failures, and each model against itself. Pure.

Every judgement says its numbers. A model is slower when it takes clearly longer *and* that is certain, with the bounds
of the alert for it (prometheus/thresholds.toml): against what Prometheus knows of its past; without that, against what
the version before did just now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, exp, log, sqrt
from statistics import fmean, median, stdev

from ops.rollout.evidence import Seen, Usual
from prometheus.thresholds import Thresholds
from service.cli.wording import seconds

# Below this many answers of each side nothing is said about a model's time.
LEAST = 8
# Failures: at least so many, more than chance explains, where nobody is surprised by this share of them.
_FORGIVEN = 0.01
_CHANCE = 0.001
# Of the logarithm of an answer's time: repeated questions vary less than traffic does.
_LEAST_SPREAD = 0.05


@dataclass(frozen=True)
class Judged:
    """One thing that was looked at. `said` holds the numbers; `bad` is a reason to go back."""

    what: str
    bad: bool
    said: str


def judge(old: Seen, new: Seen, usual: Mapping[str, Usual], limits: Thresholds) -> list[Judged]:
    """Failures first, then every model that has answered."""
    judged = [_failures(old, new, limits)]
    for model, times in new.times.items():
        if model in usual:
            judged.append(_against_past(model, times, usual[model], limits))
        else:
            judged.append(_against_old(model, times, old.times.get(model, []), limits))
    missing = [model for model in old.times if model not in new.times]
    judged += [
        Judged(model, False, f"was used {len(old.times[model])} times before, and not since") for model in missing
    ]
    return judged


def _failures(old: Seen, new: Seen, limits: Thresholds) -> Judged:
    expected = max(old.share, _FORGIVEN)
    chance = at_least(new.failed, new.asked, expected)
    bad = new.failed >= limits.ratio.min_events and new.share > limits.ratio.errors[0] and chance < _CHANCE
    said = (
        f"{new.failed} of {new.asked} requests failed ({new.share:.1%}); before: {old.failed} of {old.asked} "
        f"({old.share:.1%})"
    )
    if bad:
        said += f"; by chance that is {_small(chance)}"
    return Judged("failures", bad, said)


def _against_past(model: str, times: Sequence[float], usual: Usual, limits: Thresholds) -> Judged:
    """As the alert does it, with the spread widened for a window with fewer answers than usual."""
    least, factor, bound = limits.regression.min_answers, _factor(model, limits), limits.regression.z
    mean = fmean(times)
    ratio = mean / usual.median_s
    spread = usual.spread_s * sqrt(max(1.0, usual.answers / len(times)))
    z = (mean - usual.median_s) / spread if spread > 0 else float("inf") if mean > usual.median_s else 0.0
    told = (
        f"a mean of {seconds(mean)} over {len(times)} answers; usual, by Prometheus: {seconds(usual.median_s)}; "
        f"{ratio:.2f} times, {z:.1f} spreads above"
    )
    if len(times) < least:
        return Judged(model, False, f"{told}; too few to judge, {least} are needed")
    return Judged(model, ratio > factor and z > bound, f"{told} (bad above {factor:g} times and {bound:g} spreads)")


def _against_old(model: str, times: Sequence[float], before: Sequence[float], limits: Thresholds) -> Judged:
    """Two samples of the same questions and the same traffic: means of logarithms, and Welch's error of them."""
    least = min(LEAST, limits.regression.min_answers)
    if not before:
        return Judged(model, False, f"{len(times)} answers, median {seconds(median(times))}; nothing to compare with")
    told = (
        f"median {seconds(median(times))} over {len(times)} answers; the version before: {seconds(median(before))} "
        f"over {len(before)}"
    )
    if min(len(times), len(before)) < least:
        return Judged(model, False, f"{told}; too few to judge, {least} of each are needed")
    factor, bound = _factor(model, limits), limits.regression.z
    ratio, z = compared(times, before)
    told += f"; {ratio:.2f} times, {z:.1f} standard errors above"
    # Milliseconds may double without anybody noticing.
    felt = median(times) - median(before) > limits.stage.min_seconds
    return Judged(
        model, felt and ratio > factor and z > bound, f"{told} (bad above {factor:g} times and {bound:g} errors)"
    )


def compared(times: Sequence[float], before: Sequence[float]) -> tuple[float, float]:
    """How many times as long the first takes, by geometric means, and how many standard errors that is from 1."""
    logs = [[log(max(one, 1e-6)) for one in sample] for sample in (times, before)]
    spreads = [max(stdev(sample), _LEAST_SPREAD) for sample in logs]
    error = sqrt(sum(spread**2 / len(sample) for spread, sample in zip(spreads, logs, strict=True)))
    more = fmean(logs[0]) - fmean(logs[1])
    return exp(more), more / error


def at_least(some: int, of: int, share: float) -> float:
    """The chance of `some` or more of `of`, where each comes with `share`."""
    if some <= 0:
        return 1.0
    if share >= 1.0:
        return 1.0
    # Summed from the likely side: what is left over would be lost in rounding.
    return min(1.0, sum(comb(of, n) * share**n * (1 - share) ** (of - n) for n in range(some, of + 1)))


def _factor(model: str, limits: Thresholds) -> float:
    return limits.regression.factor_of.get(model, limits.regression.factor)


def _small(chance: float) -> str:
    return f"{chance:.1g}" if chance >= 1e-9 else "under 1e-9"
