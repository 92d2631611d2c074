"""Numbers of a measurement and the bars they must reach. Pure.

Machines are noisy: rounds are repeated and interleaved, the median of the rounds is the figure, and the best round is
shown beside it because noise only ever adds.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Which side of the bar is good."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Bar:
    """What must be reached, in the figure's unit."""

    side: Side
    limit: float

    def reached(self, value: float) -> bool:
        return value >= self.limit if self.side is Side.AT_LEAST else value <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `value` None: not measured, and `note` says why. Without `bar` it is there to compare."""

    group: str
    what: str
    value: float | None
    unit: str
    bar: Bar | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """None when there is no bar or nothing was measured."""
        return None if self.bar is None or self.value is None else self.bar.reached(self.value)


def at_least(limit: float) -> Bar:
    return Bar(Side.AT_LEAST, limit)


def at_most(limit: float) -> Bar:
    return Bar(Side.AT_MOST, limit)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the sample does not exceed (nearest rank, so it was really measured)."""
    if not values or not 0 < share <= 1:
        raise ValueError("a quantile needs values and a share in (0, 1]")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median over rounds of ours / theirs. Both of a pair were measured right after each other, so that what slows the
    machine for a while slows both."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def text_of(value: float | None) -> str:
    """Three digits that count: more would be noise."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}"
