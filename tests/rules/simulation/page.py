"""docs/alert-quality.md from the figures. Pure: the same figures make the same page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prometheus.thresholds import Thresholds
from tests.rules.drawn import CHANGES, MEDIAN_S, SCENARIOS, SIGMA
from tests.rules.simulation.figures import Figures
from tests.rules.simulation.measure import (
    ABSORBED_DAYS,
    ABSORBED_RATE,
    HISTORIES,
    QUIET_DAYS,
    RATES,
    SHAPE_CHANGES,
    SHAPE_RATES,
)
from tests.rules.simulation.watched import EITHER, OURS, P95, TICKET, told

PICTURE = "alert-quality.svg"
# What the bounds were chosen to reach.
MOST_ALARMS, MOST_MINUTES = 0.5, {"+50 %": 45, "+100 %": 30}


def render(figures: Figures, limits: Thresholds) -> str:
    """The whole page."""
    parts = (
        *_head(figures),
        *_goals(figures),
        "## The rules",
        "\n".join(f"* **{one.short}**: {one.long}." for one in told(limits).values()),
        "## What is normal",
        "\n".join(f"* **{one.name}**: {one.told}." for one in SCENARIOS),
        *_alarms(figures, limits),
        *_changes(figures, limits),
        *_first(figures),
        *_absorbed(figures),
        *_shapes(figures),
        *_method(figures),
    )
    return "\n\n".join(parts) + "\n"


def _head(figures: Figures) -> Iterable[str]:
    bounds, normal = figures["bounds"]["regression"], figures["bounds"]["normal"]
    yield "# Quality of the latency alert"
    yield "Written by `make alert-quality`; do not edit. The figures are in [JSON](alert-quality.json) too."
    yield (
        "How often `RagModelLatencyRegression` fires while nothing is wrong, and how soon it finds what is, on "
        "simulated answers and beside other rules on the same answers. Measured with the bounds of "
        f"[thresholds.toml](../prometheus/thresholds.toml): windows {' and '.join(bounds['windows'])}, z "
        f"{bounds['z']:g} ({bounds['z_alone']:g} alone), factor {bounds['factor']:g}, {bounds['min_answers']} answers, "
        f"for {bounds['for_']}, and a past of {normal['baseline']}, of which {normal['min_history']} must be there. "
        f"Numbers with slashes are for models that answer {_slashed(RATES)} questions a minute."
    )
    yield f"![False alarms of each rule, and its delay, under drift]({PICTURE})"


def _goals(figures: Figures) -> Iterable[str]:
    rows = []
    for scenario in ("drift", "iid"):
        alarms, changes = figures["alarms"][scenario], figures["changes"][scenario]
        found = [alarms[rate][OURS] for rate in _rates(alarms)]
        reached = [one["per week"] <= MOST_ALARMS for one in found]
        cells = _slashed(_interval(one, "per week") for one in found)
        rows.append([f"false alarms a week, {scenario}", f"<= {MOST_ALARMS:g}", cells, _verdict(reached)])
        for change, most in MOST_MINUTES.items():
            found = [changes[rate][change][OURS] for rate in _rates(changes)]
            reached = [one["median"] is not None and one["median"] < most for one in found]
            cells = _slashed(_interval(one, "median") for one in found)
            rows.append([f"minutes until {change} is found, {scenario}", f"< {most}", cells, _verdict(reached)])
    yield "## The goals"
    yield (
        "Alarms per model and week, and medians, with 95 % intervals in brackets. *drift*: the usual time itself "
        "wanders within hours, by a standard deviation of 8 %; the goal for alarms is about that. *iid*: it does not."
    )
    yield _table(["what", "goal", f"at {_slashed(RATES)} a minute", "reached"], rows)
    yield _said(figures)


def _said(figures: Figures) -> str:
    """The figures that matter most, beside each other."""
    alarms, changes = figures["alarms"], figures["changes"]
    drift, change = changes["drift"], "+50 %"
    ours, first = (
        _slashed(_delay(drift[rate][change].get(name), ninth=False) for rate in _rates(drift))
        for name in (OURS, EITHER)
    )
    said = (
        f"Under drift the shipped rule is wrong {_per_week(alarms['drift'], OURS)} times a week for each model, its "
        f"first form {_per_week(alarms['drift'], EITHER)} times, a ratio of 95th percentiles "
        f"{_per_week(alarms['drift'], P95)} times, and the objective {_per_week(alarms['drift'], TICKET)} times. Half "
        f"as slow again is found after {ours} minutes, by the first form after {first}. "
    )
    if "outliers" in alarms and "all" in changes:
        late = _slashed(_delay(changes["all"][rate][change][OURS], ninth=False) for rate in _rates(changes["all"]))
        said += (
            f"Single answers of ten times the usual length make {_per_week(alarms['outliers'], OURS)} alarms a week, "
            f"with the first form {_per_week(alarms['outliers'], EITHER)}. Where times also swing with the day "
            f"(*all*), half as slow again takes {late} minutes: by itself the model is far from its median every day. "
        )
    return said + (
        "The objective is silent because too few answers went beyond its bound to use up a budget: it is there for "
        "the day on which people are hurt."
    )


def _alarms(figures: Figures, limits: Thresholds) -> Iterable[str]:
    rows = []
    for scenario, by_rate in figures["alarms"].items():
        weeks = min(one[OURS]["weeks"] for one in by_rate.values())
        rows.append([scenario, str(weeks), *(_per_week(by_rate, name) for name in told(limits))])
    yield "## False alarms"
    yield "Per model and week, nothing being wrong; *weeks* are those behind each figure."
    yield _table(["normal", "weeks", *(one.short for one in told(limits).values())], rows)
    yield "That is of one model: with ten of them there are ten times as many."


def _changes(figures: Figures, limits: Thresholds) -> Iterable[str]:
    yield "## Until a change is found"
    yield (
        "Minutes from the change to the alert: the median, and what 9 of 10 need. A percentage is the share that was "
        "found within a day, where it is not all. A rule of many false alarms finds much by accident."
    )
    head = [
        "rule",
        "a minute",
        *(one.name if one.share == 1 else f"{one.share:.0%} x{one.factor:g}" for one in CHANGES),
    ]
    for scenario, by_rate in figures["changes"].items():
        yield f"**{scenario}**"
        yield _table(
            head,
            (
                [rule.short, rate, *(_delay(by_rate[rate][change.name].get(name)) for change in CHANGES)]
                for name, rule in told(limits).items()
                for rate in _rates(by_rate)
            ),
        )


def _first(figures: Figures) -> Iterable[str]:
    weeks = figures["first week"]
    yield "## The first week of a model"
    yield (
        "False alarms within it, by how much past the rule asks for before it says anything: what a model does in a "
        f"day is less than what it does in a week. {figures['plan']['first']} models behind each figure; the rules "
        f"ask for {figures['bounds']['normal']['min_history']}."
    )
    yield _table(
        ["normal", *(f"{days} d of past" for days in HISTORIES)],
        ([scenario, *(_per_week(weeks[scenario], str(days)) for days in HISTORIES)] for scenario in weeks),
    )


def _absorbed(figures: Figures) -> Iterable[str]:
    yield "## A step that lasts"
    yield (
        "Hours until the alert on it ends by itself, because the past has become used to it: median, and least to "
        f"most, at {ABSORBED_RATE} answers a minute."
    )
    yield _table(
        ["normal", "step", "hours", f"ended within {ABSORBED_DAYS} days"],
        (
            [scenario, change, f"{one['median']} ({one['least']} to {one['most']})", f"{one['ended']} of {one['runs']}"]
            for scenario, changes in figures["absorbed"].items()
            for change, one in changes.items()
        ),
    )


def _shapes(figures: Figures) -> Iterable[str]:
    rows = []
    for shape, by_rate in figures["shape alarms"].items():
        changes = figures["shape changes"][shape]
        cells = [
            _slashed(_delay(changes[rate][change][OURS], ninth=False) for rate in _rates(by_rate))
            for change in SHAPE_CHANGES
        ]
        rows.append([*shape.split(", "), _per_week(by_rate, OURS), *cells])
    yield "## Other models"
    yield (
        f"All of the above is of a model that usually takes {MEDIAN_S:g} s, and whose times are log-normal with a "
        f"sigma of {SIGMA:g}. Bounds stand at 1.28, 2.56, 5.12 s and so on, so it matters where a model's times lie "
        f"between them and how close together they are. The shipped rule under drift, at {_slashed(SHAPE_RATES)} a "
        f"minute, from {figures['plan']['shape_quiet'] * figures['plan']['weeks']} weeks and "
        f"{figures['plan']['shape_changed']} changes behind each figure:"
    )
    head = ["sigma", "usual, s", "false alarms a week", *(f"{change}, median minutes" for change in SHAPE_CHANGES)]
    yield _table(head, rows)
    yield (
        "Where times are close together (sigma 0.15) and near a bound, the share beyond it wanders widely by itself, "
        "and the next bound is far: growing by half may be found late, doubling is found. Times far apart (0.9) need "
        "more answers for the same certainty."
    )


def _method(figures: Figures) -> Iterable[str]:
    plan = figures["plan"]
    yield "## How it is measured"
    yield "\n".join(
        f"* {one}"
        for one in (
            "Answers come by chance (Poisson), their times are log-normal; a scrape each minute sees them as the "
            "service's histogram would. The rules run in numpy, evaluated when Prometheus would evaluate them. "
            "`tests/rules/test_simulation.py` holds the shipped rule, its recorded values, the objective and the p95 "
            "to promtool, evaluation by evaluation; `make rules-full` runs some weeks through promtool itself. "
            "The first form was held to its own rules in the same way when they were replaced.",
            f"False alarms: those that begin after a first week, which makes the past; {plan['quiet']} runs of "
            f"{plan['weeks']} weeks for each figure, twice as many under drift. An alert that ends and comes back is "
            "two; each is kept for 15 minutes.",
            f"Delays: {plan['changed']} runs for each figure, twice as many under drift. At a random minute of a day "
            f"after {QUIET_DAYS} quiet ones all answers become slower at once, or a tenth of them. A rule that fires "
            "already at that minute is left out of that run.",
            "Each run has random numbers of its own, from a fixed seed: the same code makes the same figures.",
        )
    )
    yield "## What it does not say"
    yield "\n".join(
        f"* {one}"
        for one in (
            "Real times have more than one peak, and real questions come in bursts. The figures compare rules and "
            "bounds; what a box really sees is in its own history of alerts.",
            "The bounds were chosen on other runs of the same simulation: on traffic unlike it they are only "
            "plausible.",
            "One change at a time, at once, and lasting. What creeps in over days becomes usual as it comes: the "
            "objective sees it.",
            "No scrape is lost here; `make rules-full` has gaps and restarts.",
            "A mean that a few answers of minutes lift, while no share rises, is not looked for.",
        )
    )


def _rates(by_rate: Mapping[str, Any]) -> list[str]:
    """Those that were measured, in order."""
    return [str(rate) for rate in RATES if str(rate) in by_rate]


def _per_week(by_rate: Mapping[str, Any], name: str) -> str:
    return _slashed(f"{by_rate[rate][name]['per week']:.2f}" for rate in _rates(by_rate))


def _slashed(values: Iterable[object]) -> str:
    return " / ".join(map(str, values))


def _interval(one: Mapping[str, Any], what: str) -> str:
    """A figure with its interval."""
    digits = ".2f" if what == "per week" else ".0f"
    texts = ["never" if one[key] is None else f"{one[key]:{digits}}" for key in (what, "low", "high")]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def _delay(one: Mapping[str, Any] | None, *, ninth: bool = True) -> str:
    if one is None:
        return "always fires"
    times = [one["median"], *([one["ninth of ten"]] if ninth else [])]
    minutes = ", ".join(f"{time:.0f}" for time in times if time is not None)
    share = "" if one["found"] == one["runs"] else f"{one['found'] / one['runs']:.0%}"
    return f"{minutes} ({share})" if minutes and share else minutes or share


def _verdict(reached: Sequence[bool]) -> str:
    if all(reached):
        return "yes"
    missed = [str(rate) for rate, one in zip(RATES, reached, strict=False) if not one]
    return f"**not** at {' and '.join(missed)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
