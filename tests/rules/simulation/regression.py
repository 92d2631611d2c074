"""prometheus/regression.py in numpy: the same formulas with the same bounds, over whole weeks within seconds.

`tests/rules/test_simulation.py` holds it to the rules: promtool evaluates the shipped files, and both must say the
same. A model's own factor (`factor_of`) is left out: one model is simulated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prometheus.normal import _RARE
from prometheus.thresholds import Normal, Regression, Thresholds
from tests.rules.drawn import BOUNDS, Binned, Floats, Whole
from tests.rules.simulation.alerting import Flags, firing
from tests.rules.simulation.past import Past, past
from tests.rules.simulation.windows import counter, increase, minutes, ratio


@dataclass(frozen=True)
class Followed:
    """A window's recorded values at every evaluation, with what was usual. `over` has a column for each of `bounds`;
    one beyond which there always is every answer, or none, is left out: its share never rises."""

    bounds: Floats
    count: Floats
    mean: Floats
    over: Floats
    usual_count: Floats
    usual_mean: Past
    usual_over: Past

    @property
    def z_mean(self) -> Floats:
        """How many spreads the mean is above its usual value; spreads are wider where there are fewer answers."""
        fewer = np.sqrt(np.maximum(ratio(self.usual_count, self.count), 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.mean - self.usual_mean.median) / (self.usual_mean.spread * fewer)

    @property
    def z_over(self) -> Floats:
        """How many spreads the most unusual share is above its usual value."""
        usual, count = self.usual_over.median, self.count[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            not_rare = np.clip(usual, _RARE, 1 - _RARE)
            error = np.sqrt(not_rare * (1 - not_rare) / count)
            spread = np.where(self.usual_over.spread >= error, self.usual_over.spread, error)
            return highest((self.over - 1 / count - usual) / spread)


class History:
    """Answers of one model with what the rules record of them; baselines from minute `since` on."""

    def __init__(self, answers: Binned, limits: Thresholds, since: int = 0) -> None:
        self._looked_at = limits.regression.bounds_s
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

    def firing(self, limits: Thresholds, unusual: Callable[[Followed], Flags] | None = None) -> Flags:
        """Where RagModelLatencyRegression fires, or would if something else was `unusual`."""
        bounds = limits.regression
        condition = np.zeros(len(self.at), bool)
        for window in bounds.windows:
            one = self.followed(window)
            certain = _certain(one, bounds) if unusual is None else unusual(one)
            matters = ratio(one.mean, one.usual_mean.median) > bounds.factor
            known = one.usual_mean.points >= limits.normal.min_points
            condition |= certain & matters & (one.count >= bounds.min_answers) & known
        return firing(condition, self.at, minutes(bounds.for_), minutes(bounds.keep))

    @cached_property
    def _counters(self) -> tuple[Floats, Whole]:
        within = np.cumsum(self._answers.bucket, axis=1)
        looked_at = [*np.searchsorted(BOUNDS, self._looked_at).tolist(), -1]
        return counter(self._answers.seconds), counter(within[:, looked_at])

    def _recorded(self, window: str) -> Followed:
        seconds, within = self._counters
        total = increase(within, self.at, minutes(window))
        count = total[:, -1]
        mean = ratio(increase(seconds, self.at, minutes(window)), count)
        over = 1 - ratio(total[:, :-1], count[:, None])
        rises = (np.nanmax(over, axis=0) > 0) & (np.nanmin(over, axis=0) < 1)
        bounds, over = np.array(self._looked_at)[rises], over[:, rises]
        told = past(np.column_stack([mean, count, over]), window, self._normal, self._since)
        return Followed(bounds, count, mean, over, told.mean[:, 1], _columns(told, 0), _columns(told, slice(2, None)))


def _certain(one: Followed, bounds: Regression) -> Flags:
    share = one.z_over
    return ((share > bounds.z) & (one.z_mean > bounds.z)) | (share > bounds.z_alone)


def highest(z: Floats) -> Floats:
    """The highest of each row, as `max by` finds it: what is absent does not count."""
    there = np.where(np.isnan(z), -np.inf, z).max(axis=1, initial=-np.inf)
    return np.where(np.isneginf(there), np.nan, there)


def _columns(told: Past, which: int | slice) -> Past:
    return Past(told.median[:, which], told.spread[:, which], told.points[:, which], told.mean[:, which])
