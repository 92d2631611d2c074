"""The two rules that ours is measured beside, on the same answers: a ratio of p95s, and the objective alone.

Both see answers that waited for their model too, as they would in practice. Evaluated each minute.
"""

import numpy as np

from prometheus.thresholds import Burn, Thresholds
from tests.rules.drawn import BOUNDS, DAY, Binned, Floats, Whole
from tests.rules.simulation.alerting import Flags, firing
from tests.rules.simulation.windows import counter, increase, minutes, ratio

# The usual first attempt: p95 of five minutes against the same of a day ago.
P95_WINDOW, P95_FACTOR, P95_FOR = 5, 1.3, 10
# Of a model with a median of 2 s: of the simple tier's bound chance alone would use up the budget.
TIER = "medium"


def p95_ratio(answers: Binned, limits: Thresholds) -> tuple[Whole, Flags]:
    """`p95[5m] > 1.3 * p95[5m] offset 1d`, for 10m."""
    found = p95(answers)
    before = np.concatenate([np.full(DAY, np.nan), found[:-DAY]])
    at = np.arange(answers.minutes)
    return at, firing(found > P95_FACTOR * before, at, P95_FOR, minutes(limits.regression.keep))


def p95(answers: Binned) -> Floats:
    """Of the last five minutes, at every minute."""
    within = counter(np.cumsum(answers.every_bucket, axis=1))
    return _quantile(0.95, increase(within, np.arange(answers.minutes), P95_WINDOW))


def burning(answers: Binned, limits: Thresholds, severity: str, *, keep: int = 0) -> tuple[Whole, Flags]:
    """RagLatencyBudgetBurnPage or ...Ticket: any of its pairs, kept firing for so many minutes (the rules: none)."""
    at = np.arange(answers.minutes)
    within = np.cumsum(answers.every_bucket, axis=1)
    bound = int(np.searchsorted(BOUNDS, limits.slo.bound_s[TIER]))
    counted = counter(within[:, [bound, -1]])
    pairs = limits.burn.page if severity == "page" else limits.burn.ticket
    return at, np.logical_or.reduce([_pair(counted, at, pair, limits, keep) for pair in pairs])


def _pair(counted: Whole, at: Whole, pair: Burn, limits: Thresholds, keep: int) -> Flags:
    long, short = (increase(counted, at, minutes(window)) for window in (pair.long, pair.short))
    most = pair.factor * (1 - limits.slo.target)
    bad_long, bad_short = (1 - ratio(seen[:, 0], seen[:, 1]) for seen in (long, short))
    condition = (bad_long > most) & (bad_short > most) & (long[:, 1] >= limits.burn.min_answers)
    return firing(condition, at, minutes(pair.for_), keep)


def _quantile(share: float, within: Floats) -> Floats:
    """As histogram_quantile: in proportion within the bucket; beyond the last bound, that bound."""
    rank = share * within[:, -1]
    bucket = np.argmax(within >= rank[:, None], axis=1)
    row = np.arange(len(within))
    low, high = (np.concatenate([edges, BOUNDS[-1:]]) for edges in (np.concatenate([[0.0], BOUNDS[:-1]]), BOUNDS))
    before = np.where(bucket > 0, within[row, bucket - 1], 0.0)
    inside = ratio(rank - before, within[row, bucket] - before)
    return np.where(bucket == len(BOUNDS), BOUNDS[-1], low[bucket] + (high - low)[bucket] * inside)
