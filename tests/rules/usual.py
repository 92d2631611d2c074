"""What is usual for a load, as baseline rules would have recorded it: put in as given, so that a case need not run for
a week. The values follow from the distribution of the load, not from the rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

from prometheus.normal import Followed
from prometheus.regression import mean_of, over_of
from prometheus.thresholds import Thresholds, span_s
from tests.rules.case import ENVIRONMENT, named
from tests.rules.drawn import SIGMA
from tests.rules.traffic import Load


@dataclass(frozen=True)
class Usual:
    """What a load's past looked like. Spreads are shares: of the usual mean, and of answers; None = what chance alone
    makes of it. `points` is how many values are behind it, None = as many as there are in the baseline."""

    load: Load
    windows: Sequence[str] = ("40m", "6h")
    over_spread: float | None = None
    mean_spread: float | None = None
    points: int | None = None
    per_minute: float | None = None
    over: Mapping[float, float] | None = None  # instead of every bound's usual share
    every: int = 1  # samples from one record to the next
    last: int | None = None  # sample after which no more is recorded

    def series(self, limits: Thresholds, samples: int) -> dict[str, str]:
        """The same value over a case of so many samples."""
        values: dict[str, float] = {}
        for window in self.windows:
            values |= self._mean(limits, window) | self._shares(limits, window)
        return {series: self._notation(value, samples) for series, value in values.items()}

    def _notation(self, value: float, samples: int) -> str:
        samples = samples if self.last is None else self.last
        if self.every == 1:
            return f"{value:.12g}+0x{samples}"
        return " ".join([f"{value:.12g} _x{self.every - 1}"] * (samples // self.every + 1))

    def _mean(self, limits: Thresholds, window: str) -> dict[str, float]:
        followed, number = mean_of(window), self._number(window)
        usual = self.load.median_s * exp(SIGMA**2 / 2)
        chance = sqrt((exp(SIGMA**2) - 1) / number)
        spread = chance if self.mean_spread is None else self.mean_spread
        points = span_s(limits.normal.baseline) // span_s(limits.normal.every)
        return {
            self._named(followed, "median", limits): usual,
            self._named(followed, "spread", limits): usual * spread,
            self._named(followed, "points", limits): points if self.points is None else self.points,
            named(followed.usual_count(limits), **self._labels()): number,
        }

    def _shares(self, limits: Thresholds, window: str) -> dict[str, float]:
        followed, number = over_of(window), self._number(window)
        values = {}
        shares = (
            {bound: self._beyond(bound) for bound in limits.regression.bounds_s} if self.over is None else self.over
        )
        for bound, share in shares.items():
            spread = sqrt(share * (1 - share) / number) if self.over_spread is None else self.over_spread
            values[self._named(followed, "median", limits, le=repr(float(bound)))] = share
            values[self._named(followed, "spread", limits, le=repr(float(bound)))] = spread
        return values

    def _beyond(self, bound: float) -> float:
        return 1 - NormalDist(log(self.load.median_s), SIGMA).cdf(log(bound))

    def _number(self, window: str) -> float:
        rate = self.load.per_minute if self.per_minute is None else self.per_minute
        return rate * span_s(window) / 60

    def _labels(self) -> dict[str, str]:
        return {ENVIRONMENT: "production", "gen_ai_request_model": self.load.model}

    def _named(self, followed: Followed, what: str, limits: Thresholds, **more: str) -> str:
        return named(followed.part(what, limits), **self._labels(), **more)
