"""Simulated answers as Prometheus scrapes them: counters of `rag_ask_duration_seconds` in promtool's notation.

The answers themselves are those of `drawn`, so that cases for promtool and the simulation of whole weeks
speak of the same loads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from service.telemetry.catalogue import ASK_DURATION
from tests.rules.case import ENVIRONMENT, named
from tests.rules.drawn import MEDIAN_S, SCENARIOS, Answers, Change, Floats, Scenario, draw

SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
IID = SCENARIO["iid"]
# Those that rules look at: a file with all of them would be read four times as long.
BUCKETS = (0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 29.0, 40.96, 58.0, 81.92)
Chosen = NDArray[np.bool_]
CONSTANT = {ENVIRONMENT: "production", "service_version": "1.0.0", "instance": "rag:8001", "job": "emini-rag"}
HOUR = 60


@dataclass(frozen=True)
class Phase:
    """From minute `since` until minute `until`, `change` holds."""

    change: Change
    since: int
    until: int | None = None


@dataclass(frozen=True)
class Load:
    """What a model is asked, how long it takes, and what happens to it. `labels` are laid over those of an answer that
    a loaded model made; cold ones have start="cold" and wait `scenario.load_s` longer."""

    model: str
    per_minute: float = 10.0
    median_s: float = MEDIAN_S
    scenario: Scenario = IID
    phases: Sequence[Phase] = ()
    tier: str = "simple"
    labels: Mapping[str, str] = field(default_factory=dict)

    def answers(self, minutes: int, chance: np.random.Generator) -> Answers:
        """Every answer of so many minutes."""
        made = draw(self.scenario, self.per_minute, minutes, chance)
        made = replace(made, warm_s=made.warm_s * (self.median_s / MEDIAN_S))
        for phase in self.phases:
            made = _changed(made, phase, chance)
        return made

    def named(self, start: str = "warm") -> dict[str, str]:
        """The labels of its series."""
        own = {"gen_ai_request_model": self.model, "tier": self.tier, "cache": "miss", "outcome": "ok", "start": start}
        return {**CONSTANT, **own, **self.labels}


@dataclass(frozen=True)
class Scraped:
    """Counters by their series, with a value at every scrape, the first at the start; nan is a scrape that failed."""

    values: Mapping[str, Floats]
    every: int  # minutes from scrape to scrape

    def text(self) -> dict[str, str]:
        """promtool's notation."""
        return {series: _notation(values) for series, values in self.values.items()}

    def gap(self, since: int, until: int) -> "Scraped":
        """Nothing was scraped between two minutes."""
        return self._changed(lambda values: _missing(values, *self._at(since, until)))

    def reset(self, at: int) -> "Scraped":
        """The service was started again: its counters are back at 0."""
        return self._changed(lambda values: _restarted(values, at // self.every))

    def merged(self, other: "Scraped") -> "Scraped":
        """Both, scraped as often."""
        return replace(self, values={**self.values, **other.values})

    def _at(self, *minutes: int) -> Iterator[int]:
        return (minute // self.every for minute in minutes)

    def _changed(self, change: Callable[[Floats], Floats]) -> "Scraped":
        return replace(self, values={series: change(values) for series, values in self.values.items()})


def scraped(
    loads: Iterable[Load], minutes: int, *, seed: int, every: int = 1, buckets: Sequence[float] = BUCKETS
) -> Scraped:
    """Loads side by side, each with random numbers of its own: what another one does changes nothing for it."""
    values: dict[str, Floats] = {}
    for number, load in enumerate(loads):
        answers = load.answers(minutes, np.random.default_rng((seed, number)))
        cold = answers.load_s > 0
        parts = [("warm", ~cold)]
        if cold.any():
            parts.append(("cold", cold))
        for start, chosen in parts:
            labels = load.named(start)
            for series, one in _counters(labels, answers, chosen, buckets, every).items():
                values[series] = values[series] + one if series in values else one
    return Scraped(values, every)


def _counters(
    labels: Mapping[str, str], answers: Answers, chosen: Chosen, buckets: Sequence[float], every: int
) -> dict[str, Floats]:
    name = ASK_DURATION.name
    seconds = (answers.warm_s + answers.load_s)[chosen]
    slot = answers.minute[chosen] // every
    slots = answers.minutes // every

    def grown(weights: Floats | None = None, which: Chosen | slice = slice(None)) -> Floats:
        counted = np.bincount(slot[which], None if weights is None else weights[which], minlength=slots)
        return np.concatenate([[0.0], np.cumsum(counted[:slots])])

    made = {named(f"{name}_sum", **labels): np.round(grown(seconds), 3), named(f"{name}_count", **labels): grown()}
    for bound in buckets:
        made[named(f"{name}_bucket", **labels, le=repr(float(bound)))] = grown(which=seconds <= bound)
    made[named(f"{name}_bucket", **labels, le="+Inf")] = grown()
    return made


def _changed(answers: Answers, phase: Phase, chance: np.random.Generator) -> Answers:
    """Slower from one minute to another."""
    until = answers.minutes if phase.until is None else phase.until
    hit = (answers.minute >= phase.since) & (answers.minute < until)
    if phase.change.share < 1:
        hit &= chance.random(len(answers.minute)) < phase.change.share
    return replace(answers, warm_s=np.where(hit, answers.warm_s * phase.change.factor, answers.warm_s))


def _missing(values: Floats, since: int, until: int) -> Floats:
    at = np.arange(len(values))
    return np.where((at >= since) & (at < until), np.nan, values)


def _restarted(values: Floats, at: int) -> Floats:
    """What was counted before is not known any more."""
    return np.concatenate([values[:at], values[at:] - values[at - 1]])


def _notation(values: Floats) -> str:
    return " ".join("_" if value != value else f"{value:.15g}" for value in values.tolist())
