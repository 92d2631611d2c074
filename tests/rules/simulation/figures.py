"""What came of all runs, as figures in plain values: what docs/alert-quality.json holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from prometheus.thresholds import Thresholds
from tests.rules.simulation import intervals
from tests.rules.simulation.measure import Done, Plan

Figures = dict[str, Any]
# Beyond every delay: so late is what was not found at all.
_NEVER = float("inf")


def bounds(limits: Thresholds) -> Figures:
    """What the rules were measured with."""
    parts = {"regression": limits.regression, "normal": limits.normal, "slo": limits.slo, "burn": limits.burn}
    return {name: _plain(asdict(part)) for name, part in parts.items()}


def figures(done: Iterable[Done], plan: Plan, limits: Thresholds) -> Figures:
    """All of them, by part; a figure's own keys are scenario, rate, and what else there is of it."""
    done = list(done)
    return {
        "bounds": bounds(limits),
        "plan": _plain(asdict(plan)),
        "alarms": _alarms(done, "quiet", plan.weeks),
        "changes": _changes(done, "changed"),
        "first week": _alarms(done, "first", 1),
        "absorbed": _absorbed(done),
        "shape alarms": _alarms(done, "shape quiet", plan.weeks),
        "shape changes": _changes(done, "shape changed"),
    }


def _grouped(done: Iterable[Done], part: str) -> Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in done:
        if one.run.part == part:
            groups.setdefault((one.run.scenario, str(one.run.rate)), []).append(one.found)
    return groups


def _alarms(done: Iterable[Done], part: str, weeks: int) -> Figures:
    """Alarms per model and week, with how many there were in how many weeks."""
    made: Figures = {}
    for (scenario, rate), found in _grouped(done, part).items():
        for name in found[0]:
            events = sum(one[name] for one in found)
            low, high = intervals.rate(events, weeks * len(found))
            made.setdefault(scenario, {}).setdefault(rate, {})[name] = {
                "alarms": events,
                "weeks": weeks * len(found),
                "per week": _short(events / (weeks * len(found))),
                "low": _short(low),
                "high": _short(high),
            }
    return made


def _changes(done: Iterable[Done], part: str) -> Figures:
    """Minutes until a change is found, by rule and change."""
    made: Figures = {}
    for (scenario, rate), found in _grouped(done, part).items():
        for change in found[0]:
            for name in sorted({name for one in found for name in one[change]}):
                delays = [one[change][name] for one in found if name in one[change]]
                place = made.setdefault(scenario, {}).setdefault(rate, {}).setdefault(change, {})
                place[name] = _delays(delays)
    return made


def _delays(delays: Sequence[int | None]) -> Figures:
    """Median and ninth of ten over all runs: None where so many did not find it within the day."""
    ordered = sorted(_NEVER if delay is None else float(delay) for delay in delays)
    low, high = intervals.median(ordered)
    return {
        "runs": len(ordered),
        "found": sum(delay < _NEVER for delay in ordered),
        "median": _finite(median(ordered)),
        "ninth of ten": _finite(ordered[min(int(0.9 * len(ordered)), len(ordered) - 1)]),
        "low": _finite(low),
        "high": _finite(high),
    }


def _absorbed(done: Iterable[Done]) -> Figures:
    """Hours until the alert on a lasting step ends by itself."""
    made: Figures = {}
    for (scenario, _), found in _grouped(done, "absorbed").items():
        for change in found[0]:
            hours = sorted(one[change] for one in found if one[change] is not None)
            made.setdefault(scenario, {})[change] = {
                "runs": len(found),
                "ended": len(hours),
                "median": _short(median(hours)) if hours else None,
                "least": _short(hours[0]) if hours else None,
                "most": _short(hours[-1]) if hours else None,
            }
    return made


def _finite(value: float) -> float | None:
    return None if value == _NEVER else value


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _plain(value: Any) -> Any:
    """As it is read from JSON again."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
