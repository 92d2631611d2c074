"""Time in steps of evaluation, so that one case is for production's pace and for development's: bounds, windows and
waiting times are read from the thresholds, never repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from prometheus.thresholds import Thresholds, of_environment, span_s
from tests.rules.case import EXTERNAL, PRODUCTION, Case, Firing

LONG = 250
DEVELOPMENT = dict.fromkeys(PRODUCTION, "development")
STALE = "stale"


@dataclass(frozen=True)
class Pace:
    """An environment's bounds, and how often its rules are evaluated in a case."""

    environment: str
    step_s: int

    @cached_property
    def limits(self) -> Thresholds:
        return of_environment(self.environment)

    def steps(self, span: str) -> int:
        """A span of the thresholds in steps; all of them are whole."""
        steps, rest = divmod(span_s(span), self.step_s)
        assert rest == 0, f"{span} is no number of steps of {self.step_s} s"
        return steps

    def case(self, name: str, file: str, series: Mapping[str, str], *expected: Sequence[Firing]) -> Case:
        """One value of every series, and one evaluation, each step."""
        firings = tuple(firing for part in expected for firing in part)
        every = f"{self.step_s}s"
        return Case(name, (file,), series, firings, interval=every, evaluated=every)

    def silent(self, alert: str, *steps: int) -> tuple[Firing, ...]:
        """Nothing of that name fires at these steps."""
        return tuple(Firing(self.at(step), alert) for step in steps)

    def fires(
        self, alert: str, first: int, last: int, *labels: Mapping[str, str], severity: str = "ticket"
    ) -> tuple[Firing, ...]:
        """It fires from step `first` to step `last`, not a step earlier and not a step later."""
        during = tuple(Firing(self.at(step), alert, labels, severity) for step in (first, last))
        return (*self.silent(alert, first - 1), *during, *self.silent(alert, last + 1))

    def at(self, step: int) -> str:
        """A step as a time since the start."""
        return f"{step * self.step_s}s"


PRODUCTION_PACE = Pace("production", 60)
DEVELOPMENT_PACE = Pace("development", 15)


def level(*parts: tuple[float | str | None, int]) -> str:
    """Values with for how many steps each is there. None: nobody asked. `STALE`: the target had it no more."""
    return " ".join(_level(value, steps) for value, steps in parts if steps)


def _level(value: float | str | None, steps: int) -> str:
    if value is None:
        return f"_x{steps}"
    if value == STALE:
        return STALE if steps == 1 else f"{STALE} _x{steps - 1}"
    return f"{value:g}" if steps == 1 else f"{value:g}+0x{steps - 1}"


def growing(per_step: float, *, after: int = 0, start: float = 0) -> str:
    """A counter that stands for `after` steps and then grows for ever."""
    stands = f"{level((start, after))} " if after else ""
    first = start + per_step if after else start
    return f"{stands}{first:g}+{per_step:g}x{LONG}"


def texts(
    alert: str, summary: str, description: str, dashboard: str, traces: str = "", **variables: str
) -> dict[str, str]:
    """Every annotation of an alert."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    found = {
        "summary": summary,
        "description": description,
        "runbook_url": f"{EXTERNAL['runbook']}#{alert.lower()}",
        "dashboard_url": f"{EXTERNAL['grafana']}/d/{dashboard}?from=now-6h&to=now{chosen}",
    }
    return found | ({"trace_query": traces} if traces else {})
