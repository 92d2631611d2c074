"""prometheus/regression.py in numpy: the same formulas with the same bounds, over whole weeks within seconds.

`tests/rules/test_simulation.py` holds it to the rules: promtool evaluates the shipped files, and both must say the same.
A model's own factor (`factor_of`) is left out: one model is simulated.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prometheus.thresholds import Normal, Regression, Thresholds
from tests.rules.simulation.alerting import Flags, firing
from tests.rules.simulation.past import Past, past
from tests.rules.simulation.traffic import BOUNDS, Binned, Floats, Whole
from tests.rules.simulation.windows import counter, increase, minutes, ratio


@dataclass(frozen=True)
class Followed:
    """A window's recorded values at every evaluation, with what was usual. Only bounds that could be informative at any
    time are in `over`: the median of a share is never beyond all of its values."""

    bounds: Floats
    count: Floats
    mean: Floats
    over: Floats
    usual_count: Floats
    usual_mean: Past
    usual_over: Past

    @property
    def z_mean(self) -> Floats:
        fewer = np.sqrt(np.maximum(ratio(self.usual_count, self.count), 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.mean - self.usual_mean.median) / (self.usual_mean.spread * fewer)

    def z_over(self, informative: tuple[float, float]) -> Floats:
        if not self.over.shape[1]:
            return np.full(len(self.mean), np.nan)
        usual = self.usual_over.median
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt(usual * (1 - usual) / self.count[:, None])
            spread = np.where(self.usual_over.spread >= error, self.usual_over.spread, error)
            z = (self.over - usual) / spread
        z[~((usual >= informative[0]) & (usual <= informative[1]))] = -np.inf
        return np.nan_to_num(z, nan=-np.inf).max(axis=1)


class History:
    """Answers of one model with what the rules record of them; baselines from minute `since` on."""

    def __init__(self, answers: Binned, limits: Thresholds, since: int = 0) -> None:
        self._limits: Regression = limits.regression
        self._normal: Normal = limits.normal
        every = minutes(limits.normal.every)
        self.at: Whole = np.arange(0, answers.minutes, every)
        self._since = since // every
        self._answers = answers
        self._followed: dict[str, Followed] = {}

    def followed(self, window: str) -> Followed:
        """Recorded once, however many bounds are tried on it."""
        if window not in self._followed:
            self._followed[window] = self._recorded(window)
        return self._followed[window]

    def condition(self, limits: Regression) -> Flags:
        """Where the alert's expression has a value, over any of its windows."""
        return np.logical_or.reduce([self._slower(self.followed(window), limits) for window in limits.windows])

    def firing(self, limits: Regression) -> Flags:
        """Where RagModelLatencyRegression fires."""
        return firing(self.condition(limits), self.at, minutes(limits.for_), minutes(limits.keep))

    @cached_property
    def _counters(self) -> tuple[Floats, Whole]:
        within = np.cumsum(self._answers.bucket, axis=1)
        looked_at = [*np.searchsorted(BOUNDS, self._limits.bounds_s).tolist(), -1]
        return counter(self._answers.seconds), counter(within[:, looked_at])

    def _recorded(self, window: str) -> Followed:
        seconds, within = self._counters
        total = increase(within, self.at, minutes(window))
        count = total[:, -1]
        mean = ratio(increase(seconds, self.at, minutes(window)), count)
        over = 1 - ratio(total[:, :-1], count[:, None])
        low, high = self._limits.informative
        possible = (np.nanmax(over, axis=0) >= low) & (np.nanmin(over, axis=0) <= high)
        bounds, over = np.array(self._limits.bounds_s)[possible], over[:, possible]
        told = past(np.column_stack([mean, count, over]), window, self._normal, self._since)
        return Followed(bounds, count, mean, over, told.mean[:, 1], _columns(told, 0), _columns(told, slice(2, None)))

    def _slower(self, one: Followed, limits: Regression) -> Flags:
        low, high = limits.informative
        unusual = (one.z_mean > limits.z) | (one.z_over((low, high)) > limits.z)
        clearly = ratio(one.mean, one.usual_mean.median) > limits.factor
        known = one.usual_mean.points >= self._normal.min_points
        return unusual & clearly & (one.count >= limits.min_answers) & known


def _columns(told: Past, which: int | slice) -> Past:
    return Past(told.median[:, which], told.spread[:, which], told.points[:, which], told.mean[:, which])
