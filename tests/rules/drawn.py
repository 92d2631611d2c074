"""Simulated answers of one model, minute by minute: how many, how long, and how they fall into the service's buckets.

Times are log-normal around a median, arrivals Poisson. What disturbs a detector without anything being wrong is a
`Scenario`; what it is to find is a `Change`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.telemetry.catalogue import ASK_DURATION

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
DAY = 24 * 60
WEEK = 7 * DAY
BOUNDS = np.array(ASK_DURATION.buckets)
SIGMA = 0.6
MEDIAN_S = 2.0


@dataclass(frozen=True)
class Scenario:
    """What is normal for a model. `sigma` is the standard deviation of the logarithm of its times."""

    name: str
    told: str
    wander: float = 0.0  # standard deviation of the logarithm of the median
    wander_minutes: float = 180.0  # after which it has forgotten about two thirds
    rate_swing: float = 0.0  # of the rate within a day: 0.8 = between 0.2 and 1.8 times
    time_swing: float = 0.0  # of the median, at the same hours
    cold: float = 0.0  # share of answers that wait for the model to be loaded
    load_s: float = 15.0
    long: float = 0.0  # share of answers that take `long_factor` times as long, by their nature
    long_factor: float = 10.0
    sigma: float = SIGMA
    median_s: float = MEDIAN_S


SCENARIOS = (
    Scenario("iid", "nothing but chance"),
    Scenario("drift", "the median wanders, sd 8 %, memory 3 h", wander=0.08),
    Scenario("cold", "1 % of the answers wait 15 s for the model to be loaded", cold=0.01),
    Scenario("diurnal", "a daily cycle: rate x0.2 to x1.8, times -15 % to +15 %", rate_swing=0.8, time_swing=0.15),
    Scenario("outliers", "0.5 % of the answers take ten times as long", long=0.005),
    Scenario("all", "drift, cold loads and daily cycle together", 0.08, rate_swing=0.8, time_swing=0.15, cold=0.01),
)


@dataclass(frozen=True)
class Change:
    """A regression: `share` of the answers take `factor` times as long."""

    name: str
    factor: float
    share: float = 1.0


CHANGES = (
    Change("+30 %", 1.3),
    Change("+50 %", 1.5),
    Change("+100 %", 2.0),
    Change("tail", 4.0, share=0.1),
)


@dataclass(frozen=True)
class Answers:
    """Every answer by itself, in order: its minute, its seconds without and with the load of the model."""

    minutes: int
    minute: Whole
    warm_s: Floats
    load_s: Floats

    def changed(self, change: Change, since: int, chance: np.random.Generator) -> "Answers":
        """The same answers, slower since a minute."""
        hit = self.minute >= since
        if change.share < 1:
            hit &= chance.random(len(self.minute)) < change.share
        return replace(self, warm_s=np.where(hit, self.warm_s * change.factor, self.warm_s))


@dataclass(frozen=True)
class Binned:
    """The same as a scrape sees it: per minute the answers of a loaded model with their seconds, and how many fell into
    each bucket (the last: beyond all bounds); `every_bucket` counts cold ones too."""

    seconds: Floats
    bucket: Whole
    every_bucket: Whole

    @property
    def minutes(self) -> int:
        return len(self.seconds)


def draw(scenario: Scenario, per_minute: float, minutes: int, chance: np.random.Generator) -> Answers:
    """Answers of so many minutes."""
    cycle = np.sin(2 * np.pi * (np.arange(minutes) / DAY + chance.random()))
    arrivals = chance.poisson(per_minute * (1 + scenario.rate_swing * cycle))
    middle = np.log(scenario.median_s * (1 + scenario.time_swing * cycle))
    if scenario.wander:
        middle += scenario.wander * _wandering(minutes, scenario.wander_minutes, chance)
    minute = np.repeat(np.arange(minutes), arrivals)
    warm_s = np.exp(middle[minute] + scenario.sigma * chance.standard_normal(len(minute)))
    if scenario.long:
        warm_s[chance.random(len(minute)) < scenario.long] *= scenario.long_factor
    cold = chance.random(len(minute)) < scenario.cold if scenario.cold else np.zeros(len(minute), bool)
    return Answers(minutes, minute, warm_s, np.where(cold, scenario.load_s, 0.0))


def binned(answers: Answers) -> Binned:
    """Answers as a scrape each minute sees them."""
    warm = answers.load_s == 0
    minute, warm_s = answers.minute[warm], answers.warm_s[warm]
    bucket = _buckets(minute, warm_s, answers.minutes)
    cold = _buckets(answers.minute[~warm], (answers.warm_s + answers.load_s)[~warm], answers.minutes)
    return Binned(np.bincount(minute, warm_s, answers.minutes), bucket, bucket + cold)


def _buckets(minute: Whole, seconds: Floats, minutes: int) -> Whole:
    wide = len(BOUNDS) + 1
    # A bound belongs to the bucket below it, as `le` says.
    flat = minute * wide + np.searchsorted(BOUNDS, seconds, side="left")
    return np.bincount(flat, minlength=minutes * wide).reshape(minutes, wide)


def _wandering(minutes: int, memory: float, chance: np.random.Generator) -> Floats:
    """A normal value per minute that is drawn back to 0 (Ornstein-Uhlenbeck), with a standard deviation of 1."""
    kept = np.exp(-1 / memory)
    pushed = chance.standard_normal(minutes) * np.sqrt(1 - kept**2)
    pushed[0] = chance.standard_normal()
    value, values = 0.0, np.empty(minutes)
    for at, push in enumerate(pushed.tolist()):
        value = value * kept + push
        values[at] = value
    return values
