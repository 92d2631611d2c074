"""How much past a rule that compares with the past has, read from the rule itself, so that its windows and bounds are
those that Prometheus runs with."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.cli.drill.prometheus import Prometheus
from service.cli.wording import span_s

_KNOWN = re.compile(r"last_over_time\((?P<series>[\w:]+):points_(?P<span>\w+)\[\w+\]\) >= (?P<points>\d+)")
_ENOUGH = re.compile(r":count_(?P<window>\w+) >= (?P<answers>\d+)")
# The rules ask for four spreads; what the drill will do must be clearly more.
_SPREADS = 6.0


@dataclass(frozen=True)
class Past:
    """What is known of one value: `points` of `needed`, its median and spread."""

    points: float
    needed: int
    median: float
    spread: float

    def is_enough(self, expected: Callable[[float], float]) -> bool:
        """Whether a value that becomes what `expected` makes of the median is clearly out of the ordinary."""
        far = abs(expected(self.median) - self.median)
        return self.points >= self.needed and far > _SPREADS * self.spread

    def __str__(self) -> str:
        if self.points < self.needed:
            return f"{self.points:.0f} of {self.needed} points of what is usual"
        return f"usual is {self.median:.3g}, and too uneven yet (spread {self.spread:.2g})"


def pasts(prometheus: Prometheus, query: str, labels: Mapping[str, str]) -> list[Past]:
    """Of each value that the rule `query` follows, in the rule's order."""
    selector = ",".join(f'{name}="{value}"' for name, value in labels.items())
    found = []
    for series, span, points in dict.fromkeys(_KNOWN.findall(query)):
        values = [
            prometheus.value(f"last_over_time({series}:{part}_{span}{{{selector}}}[5m])") or 0.0
            for part in ("points", "median", "spread")
        ]
        found.append(Past(values[0], int(points), values[1], values[2]))
    return found


def pace(query: str) -> tuple[float, int]:
    """The longest window of the rule in seconds, and how many answers it must have; (0, 0) when it says none."""
    windows = [(span_s(window), int(answers)) for window, answers in _ENOUGH.findall(query)]
    return max(windows, default=(0.0, 0))
