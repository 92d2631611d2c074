"""What is measured: false alarms while nothing is wrong, the time until a change is found, the first week of a model,
and for how long a lasting step is told.

Every run has random numbers of its own, by its part, scenario, rate and number: a run can be repeated alone, and the
order in which the cores take them does not matter.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from prometheus.thresholds import Thresholds
from tests.rules.drawn import CHANGES, DAY, SCENARIOS, WEEK, Answers, Change, Scenario, binned, draw
from tests.rules.simulation.alerting import Flags, episodes
from tests.rules.simulation.regression import History
from tests.rules.simulation.watched import ours, watched

RATES = (2, 10, 60)
SEED = 6
# A change comes after so many quiet days, at a random minute of the day that follows, and is watched for a day.
QUIET_DAYS = 8
CHANGED = ("iid", "drift", "all")
# Days of past that a new model might be asked for, and for how long a lasting step is followed.
HISTORIES = (1, 2, 3, 5)
ABSORBED_RATE, ABSORBED_DAYS, ABSORBED_SCENARIOS = 10, 6, ("iid", "drift")
# The shares that the rule looks at are those beyond 1.28 and 2.56 s. Models whose usual time lies close above one of
# them, between them, and close below the next; with times that are close together, and far apart.
SHAPE_RATES, SIGMAS, MEDIANS_S = (2, 10), (0.15, 0.3, 0.9), (1.35, 1.8, 2.4)
SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
CHANGE = {change.name: change for change in CHANGES}
SHAPES = {
    f"{sigma:g}, {median_s:g}": replace(SCENARIO["drift"], sigma=sigma, median_s=median_s)
    for sigma in SIGMAS
    for median_s in MEDIANS_S
}
SHAPE_CHANGES = ("+50 %", "+100 %")


@dataclass(frozen=True)
class Plan:
    """How many runs of each part, and what for. `weeks` of a quiet one are counted after a first one, which makes the
    baseline. There are twice as many runs with drift, which the goals are about."""

    rates: Sequence[int]
    scenarios: Sequence[str]
    shapes: Sequence[str]
    weeks: int
    quiet: int
    changed: int
    first: int
    absorbed: int
    shape_quiet: int
    shape_changed: int


FULL = Plan(
    RATES,
    tuple(SCENARIO),
    tuple(SHAPES),
    weeks=6,
    quiet=7,
    changed=50,
    first=40,
    absorbed=20,
    shape_quiet=4,
    shape_changed=20,
)
QUICK = Plan(
    (2,),
    ("iid", "drift"),
    ("0.3, 1.8",),
    weeks=1,
    quiet=1,
    changed=1,
    first=1,
    absorbed=1,
    shape_quiet=1,
    shape_changed=1,
)


@dataclass(frozen=True)
class Run:
    """One simulation."""

    part: str
    scenario: str
    rate: int
    number: int

    def chance(self) -> np.random.Generator:
        """Random numbers of its own."""
        scenario = [*SCENARIO, *SHAPES].index(self.scenario)
        return np.random.default_rng((SEED, list(_PARTS).index(self.part), scenario, self.rate, self.number))


@dataclass(frozen=True)
class Done:
    """What came of it, in plain values."""

    run: Run
    found: Mapping[str, Any]


def runs(plan: Plan) -> Iterator[Run]:
    """All of them; those that take longest first, so that no core is idle at the end."""
    for rate in sorted(plan.rates, reverse=True):
        for name in plan.scenarios:
            yield from _runs("quiet", name, rate, plan.quiet * _often(name))
        for name in filter(plan.scenarios.__contains__, CHANGED):
            yield from _runs("changed", name, rate, plan.changed * _often(name))
            yield from _runs("first", name, rate, plan.first)
    for name in ABSORBED_SCENARIOS:
        yield from _runs("absorbed", name, ABSORBED_RATE, plan.absorbed)
    for rate in sorted(set(plan.rates) & set(SHAPE_RATES), reverse=True):
        for name in plan.shapes:
            yield from _runs("shape quiet", name, rate, plan.shape_quiet)
            yield from _runs("shape changed", name, rate, plan.shape_changed)


def _often(scenario: str) -> int:
    return 2 if scenario == "drift" else 1


def _runs(part: str, scenario: str, rate: int, many: int) -> Iterator[Run]:
    yield from (Run(part, scenario, rate, number) for number in range(many))


def measure(plan: Plan, limits: Thresholds, say: Callable[[str], None]) -> list[Done]:
    """Every run, on every core, in an order that does not depend on them."""
    todo, began, done = list(runs(plan)), time.monotonic(), []
    jobs = [(run, limits, plan) for run in todo]
    with get_context("fork").Pool(os.cpu_count()) as pool:
        for number, one in enumerate(pool.imap_unordered(_one, jobs, chunksize=2), 1):
            done.append(one)
            if number % 50 == 0 or number == len(todo):
                say(f"{number} of {len(todo)} runs, {time.monotonic() - began:.0f} s")
    place = {run: index for index, run in enumerate(todo)}
    return sorted(done, key=lambda one: place[one.run])


def _one(job: tuple[Run, Thresholds, Plan]) -> Done:
    run, limits, plan = job
    return Done(run, _PARTS[run.part](run, limits, plan))


def _quiet(run: Run, limits: Thresholds, plan: Plan) -> dict[str, int]:
    """Alarms of each rule in weeks in which nothing happens."""
    answers = binned(draw(_scenario(run), run.rate, (1 + plan.weeks) * WEEK, run.chance()))
    rules = ours if run.scenario in SHAPES else watched
    return {name: episodes(fires[at >= WEEK - 1]) for name, at, fires in rules(answers, limits, WEEK)}


def _changed(run: Run, limits: Thresholds, plan: Plan) -> dict[str, dict[str, int | None]]:
    """Minutes from each change until each rule fires, None within the day; the changes come to the same answers. A rule
    that fired already at that moment says nothing, and is left out."""
    chance = run.chance()
    since = QUIET_DAYS * DAY + int(chance.integers(DAY))
    calm = _until(draw(_scenario(run), run.rate, (QUIET_DAYS + 2) * DAY, chance), since + DAY)
    changes = [CHANGE[name] for name in SHAPE_CHANGES] if run.scenario in SHAPES else CHANGES
    return {change.name: _delays(run, calm, change, since, chance, limits) for change in changes}


def _delays(
    run: Run, calm: Answers, change: Change, since: int, chance: np.random.Generator, limits: Thresholds
) -> dict[str, int | None]:
    answers = binned(calm.changed(change, since, chance))
    found: dict[str, int | None] = {}
    rules = ours if run.scenario in SHAPES else watched
    for name, at, fires in rules(answers, limits, since - 60):
        if not fires[at < since][-1]:
            first = np.flatnonzero(fires & (at >= since))
            found[name] = int(at[first[0]]) - since if len(first) else None
    return found


def _first(run: Run, limits: Thresholds, plan: Plan) -> dict[str, int]:
    """Alarms in the first week of a model, by the days of past that it must have."""
    history = History(binned(draw(_scenario(run), run.rate, WEEK, run.chance())), limits)
    found = {}
    for days in HISTORIES:
        asked = replace(limits, normal=replace(limits.normal, min_history=f"{days}d"))
        found[str(days)] = episodes(history.firing(asked))
    return found


def _absorbed(run: Run, limits: Thresholds, plan: Plan) -> dict[str, float | None]:
    """Hours from a lasting step until its alert is over for good; None when it is not found or does not end."""
    chance = run.chance()
    since = QUIET_DAYS * DAY
    calm = draw(_scenario(run), run.rate, (QUIET_DAYS + ABSORBED_DAYS) * DAY, chance)
    found: dict[str, float | None] = {}
    for name in ("+50 %", "+100 %"):
        history = History(binned(calm.changed(CHANGE[name], since, chance)), limits, since - 60)
        found[name] = _over(history.at, history.firing(limits), since)
    return found


def _over(at: Sequence[int], fires: Flags, since: int) -> float | None:
    last = np.flatnonzero(fires)
    if not len(last) or last[-1] == len(fires) - 1:
        return None
    return float(at[last[-1] + 1] - since) / 60


def _scenario(run: Run) -> Scenario:
    return {**SCENARIO, **SHAPES}[run.scenario]


def _until(answers: Answers, minute: int) -> Answers:
    kept = answers.minute < minute
    return Answers(minute, answers.minute[kept], answers.warm_s[kept], answers.load_s[kept])


# Their order is part of the random numbers: a new one comes last.
_PARTS: Mapping[str, Callable[[Run, Thresholds, Plan], Any]] = {
    "quiet": _quiet,
    "changed": _changed,
    "first": _first,
    "absorbed": _absorbed,
    "shape quiet": _quiet,
    "shape changed": _changed,
}
