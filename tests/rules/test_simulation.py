"""The simulation behind docs/alert-quality.md is the shipped rules: promtool and numpy say the same of one load."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from prometheus.__main__ import render
from prometheus.regression import count_of, mean_of, over_of, z_mean, z_over
from prometheus.thresholds import Thresholds, load
from service.telemetry.catalogue import ASK_DURATION
from tests.rules.case import PRODUCTION, Case, Firing, Outcome, Recorded, named, run_each
from tests.rules.drawn import BOUNDS, CHANGES, SCENARIOS, Answers, Binned, Whole, binned, draw
from tests.rules.simulation.alerting import episodes, firing
from tests.rules.simulation.others import burning, p95
from tests.rules.simulation.regression import History
from tests.rules.simulation.windows import counter

# The shipped rules with a past of hours instead of days, so that promtool computes it too.
BASELINE: dict[str, Any] = {"baseline": "6h", "min_history": "1h", "every": "5m", "baseline_every": "5m"}
SHORT = load({"normal": BASELINE, "regression": {"windows": ["30m", "2h"], "for": "10m"}})
RULES = render(SHORT)
FILES = ("baselines.yml", "regression.yml")
ALERT = "RagModelLatencyRegression"
MODEL = {**PRODUCTION, "gen_ai_request_model": "llama3.2:3b"}
BEFORE = 10_000  # a counter that has run for long
HOURS, SINCE, UNTIL = 11, 430, 520
SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
CHANGE = {change.name: change for change in CHANGES}
# Name -> scenario, answers a minute, what changes from minute SINCE to minute UNTIL, seed.
LOADS = {
    "double": ("drift", 10, "+100 %", 1),
    "half more": ("iid", 60, "+50 %", 2),
    "tail": ("iid", 60, "tail", 3),
    "few": ("diurnal", 1, "+100 %", 4),
    "calm": ("outliers", 2, None, 5),
}


def answers(name: str) -> Binned:
    scenario, per_minute, change, seed = LOADS[name]
    chance = np.random.default_rng(seed)
    made = draw(SCENARIO[scenario], per_minute, HOURS * 60, chance)
    return binned(_between(made, made.changed(CHANGE[change], SINCE, chance)) if change else made)


def _between(calm: Answers, changed: Answers) -> Answers:
    over = calm.minute >= UNTIL
    return Answers(calm.minutes, calm.minute, np.where(over, calm.warm_s, changed.warm_s), calm.load_s)


def series(made: Binned, buckets: Sequence[float], **labels: str) -> dict[str, str]:
    within = np.cumsum(made.bucket, axis=1)
    name, own = ASK_DURATION.name, {"cache": "miss", "outcome": "ok", "start": "warm", **MODEL, **labels}
    values = {named(f"{name}_sum", **own): counter(made.seconds), named(f"{name}_count", **own): counter(within[:, -1])}
    for bound in buckets:
        column = int(np.searchsorted(BOUNDS, bound))
        values[named(f"{name}_bucket", **own, le=repr(float(bound)))] = counter(within[:, column])
    return {one: " ".join(repr(value + BEFORE) for value in grown.tolist()) for one, grown in values.items()}


def alerts(fires: Mapping[int, bool], name: str, labels: Mapping[str, str], severity: str = "ticket") -> list[Firing]:
    return [Firing(f"{at}m", name, (labels,) if on else (), severity) for at, on in fires.items()]


def recorded(history: History, limits: Thresholds, at: int) -> list[Recorded]:
    """Numbers of a window at a minute, to a thousandth: numpy and Prometheus may differ in the last digit."""
    wanted = []
    index = at // 5
    for window in limits.regression.windows:
        one = history.followed(window)
        for name, values in (
            (mean_of(window).name, one.mean),
            (count_of(window), one.count),
            (mean_of(window).part("median", limits), one.usual_mean.median),
            (mean_of(window).part("spread", limits), one.usual_mean.spread),
            (mean_of(window).part("points", limits), one.usual_mean.points),
            (mean_of(window).usual_count(limits), one.usual_count),
            (z_mean(window), one.z_mean),
            (z_over(window), one.z_over),
        ):
            value = float(values[index])
            there = {named("", **MODEL): _rounded(value)} if math.isfinite(value) else {}
            wanted.append(Recorded(f"{at}m", f"round({name}, 0.001)", there))
    return wanted


def _rounded(value: float) -> float:
    return math.floor(value * 1000 + 0.5) / 1000


def case(name: str, *, late_by: int = 0) -> Case:
    """What the simulation says, as promtool is to find it; `late_by` evaluations later it would be wrong."""
    made = answers(name)
    history = History(made, SHORT)
    fires = np.roll(history.firing(SHORT), late_by)
    said = dict(zip(history.at.tolist(), fires.tolist(), strict=True))
    numbers = [one for at in (90, 300, 450, 600) for one in recorded(history, SHORT, at)]
    return Case(
        f"{name} {late_by}",
        FILES,
        series(made, SHORT.regression.bounds_s),
        alerts(said, ALERT, MODEL),
        recorded=() if late_by else numbers,
        evaluated="5m",
    )


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return run_each([*(case(name) for name in LOADS), case("double", late_by=1)], RULES)


@pytest.mark.parametrize("name", LOADS)
def test_fires_at_the_same_evaluations_with_the_same_numbers(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[f"{name} 0"].passed, outcomes[f"{name} 0"].said


def test_the_comparison_would_notice_a_difference_of_one_evaluation(outcomes: dict[str, Outcome]) -> None:
    assert not outcomes["double 1"].passed


def test_what_is_compared_fires_clears_and_stays_silent() -> None:
    fires = {name: History(answers(name), SHORT).firing(SHORT) for name in LOADS}

    assert all(fires[name].any() and not fires[name][-1] for name in ("double", "half more", "tail"))
    assert not fires["calm"].any()


def test_baselines_hold_until_the_next_one() -> None:
    """Given as input: promtool evaluates every group equally often, so it cannot hold one back by itself."""
    limits = load({"normal": {**BASELINE, "baseline_every": "30m"}, "regression": {"windows": ["30m"]}})
    made = answers("double")
    history = History(made, limits)
    one = history.followed("30m")
    given: dict[str, str] = {}
    for name, values in (
        (mean_of("30m").part("median", limits), one.usual_mean.median),
        (mean_of("30m").part("spread", limits), one.usual_mean.spread),
        (mean_of("30m").part("points", limits), one.usual_mean.points),
        (mean_of("30m").usual_count(limits), one.usual_count),
    ):
        given[named(name, **MODEL)] = _seldom(values)
    for column, bound in enumerate(one.bounds):
        labels = {**MODEL, "le": repr(float(bound))}
        given[named(over_of("30m").part("median", limits), **labels)] = _seldom(one.usual_over.median[:, column])
        given[named(over_of("30m").part("spread", limits), **labels)] = _seldom(one.usual_over.spread[:, column])
    fires = dict(zip(history.at.tolist(), history.firing(limits).tolist(), strict=True))
    held = Case(
        "held",
        ("regression.yml",),
        {**series(made, limits.regression.bounds_s), **given},
        alerts(fires, ALERT, MODEL),
        evaluated="5m",
    )

    outcome = run_each([held], render(limits))["held"]

    assert any(fires.values())
    assert outcome.passed, outcome.said


def _seldom(values: np.ndarray) -> str:
    """A sample a minute; there is one each half hour."""
    samples = ["_"] * (HOURS * 60)
    for at in range(0, HOURS * 60, 30):
        if not math.isnan(values[at // 5]):
            samples[at] = repr(float(values[at // 5]))
    return " ".join(samples)


def test_the_objective_burns_at_the_same_minutes() -> None:
    """One pair of windows, of hours instead of days."""
    pair = {"factor": 0.5, "long": "1h", "short": "10m", "for": "5m"}
    limits = load({"burn": {"page": [pair], "ticket": [pair]}})
    scenario, per_minute, _, seed = LOADS["half more"]
    chance = np.random.default_rng(seed)
    made = draw(SCENARIO[scenario], per_minute, HOURS * 60, chance)
    slow = binned(_between(made, made.changed(CHANGE["+100 %"], SINCE, chance)))
    at, fires = burning(slow, limits, "page")
    labels = {**PRODUCTION, "tier": "medium", "window": "1h"}
    said = {minute: on for minute, on in zip(at.tolist(), fires.tolist(), strict=True) if minute > 60}
    burns = Case(
        "burn",
        ("objectives.yml",),
        series(slow, (10.24,), tier="medium"),
        alerts(said, "RagLatencyBudgetBurnPage", labels, "page"),
    )

    outcome = run_each([burns], render(limits))["burn"]

    assert any(said.values())
    assert outcome.passed, outcome.said


def test_the_p95_of_five_minutes_is_what_prometheus_makes_of_it() -> None:
    scenario, per_minute, _, seed = LOADS["double"]
    made = binned(draw(SCENARIO[scenario], per_minute, HOURS * 60, np.random.default_rng(seed)))
    expr = f"round(histogram_quantile(0.95, sum by (le) (rate({ASK_DURATION.name}_bucket[5m]))), 0.001)"
    found = p95(made)
    wanted = [Recorded(f"{at}m", expr, {"{}": _rounded(float(found[at]))}) for at in range(30, 600, 10)]
    infinite = {named(f"{ASK_DURATION.name}_bucket", **MODEL, le="+Inf"): _values(made.every_bucket.sum(axis=1))}
    buckets = {
        named(f"{ASK_DURATION.name}_bucket", **MODEL, le=repr(float(bound))): _values(within)
        for bound, within in zip(BOUNDS, np.cumsum(made.every_bucket, axis=1).T, strict=False)
    }

    outcome = run_each([Case("p95", ("objectives.yml",), buckets | infinite, (), recorded=wanted)], RULES)["p95"]

    assert outcome.passed, outcome.said


def _values(per_minute: Whole) -> str:
    return " ".join(str(value) for value in counter(per_minute).tolist())


def test_for_and_keep_firing_for() -> None:
    """Three evaluations make `for: 10m`, and three without make an end of `keep_firing_for: 15m`, after the third."""
    told = "..xxxx....xxx.x...."
    condition = np.array([letter == "x" for letter in told])
    fires = firing(condition, np.arange(len(told)) * 5, 10, 15)

    assert "".join("x" if on else "." for on in fires) == "....xxxxx...xxxxxx."
    assert episodes(fires) == 2
