"""When an alert fires in a case: promtool, told that nothing ever does, lists every time that something does."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.rules.case import Case, Firing, run_files

_AT = re.compile(r"alertname: (?P<alert>\w+), time: (?P<time>\w+),")
_LABELS = re.compile(r"^\s*Labels:\{(?P<labels>.*)\}\s*$", re.MULTILINE)
_PART = re.compile(r"(\d+)(ms|[wdhms])")
_MINUTES = {"w": 10_080.0, "d": 1_440.0, "h": 60.0, "m": 1.0, "s": 1 / 60, "ms": 1 / 60_000}
# Minutes at which something fires -> what, by the value of one label.
Timeline = dict[int, frozenset[str]]


def timeline(
    case: Case, alert: str, at: Iterable[int], rules: Mapping[str, str], *, by: str, timeout_s: float = 300
) -> Timeline:
    """Of the minutes `at`, those at which the alert fires, and for whom."""
    asked = [Firing(f"{minute}m", alert) for minute in at]
    outcome = run_files([replace(case, expected=asked)], rules, timeout_s=timeout_s)
    found = dict(_read(outcome.said, by))
    if outcome.passed == bool(found):
        raise ValueError(f"{case.name}: {outcome.said}")
    return found


def _read(said: str, by: str) -> Iterable[tuple[int, frozenset[str]]]:
    marks = list(_AT.finditer(said))
    ends = [mark.start() for mark in marks[1:]] + [len(said)]
    for mark, end in zip(marks, ends, strict=False):
        part = said[mark.end() : end]
        who = frozenset(
            value for labels in _LABELS.findall(part) for value in re.findall(rf'{re.escape(by)}="([^"]*)"', labels)
        )
        yield round(_minutes(mark["time"])), who


def _minutes(span: str) -> float:
    return sum(int(number) * _MINUTES[unit] for number, unit in _PART.findall(span))


def since(found: Timeline, who: str, start: int = 0) -> int | None:
    """The first minute at or after `start` at which `who` fires."""
    return min((minute for minute, names in found.items() if minute >= start and who in names), default=None)


def until(found: Timeline, who: str) -> int | None:
    """The last minute at which `who` fires."""
    return max((minute for minute, names in found.items() if who in names), default=None)
