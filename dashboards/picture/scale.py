"""Where an axis begins and ends, and what is written at it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

from dashboards.picture.units import base, text_of

_TICKS = 5
# From few to many.
_IN_A_DECADE = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))
_OF_A_CLOCK_S = (
    (60, 3600, 86400),
    (60, 600, 3600, 21600),
    (60, 120, 300, 600, 1800, 3600),
    (60, 90, 120, 180, 240, 300, 600),
)


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, with a text at each of `ticks`."""

    low: float
    high: float
    ticks: Sequence[float]
    labels: Sequence[str]


def linear(values: Sequence[float], unit: str, least: float | None, most: float | None) -> Scale:
    """Holds all of `values`, which may be none, and the bounds that the panel gives."""
    low = least if least is not None else min(values, default=0.0)
    high = most if most is not None else max(values, default=0.0)
    if high <= low:
        high = low + 1
    size = base(high, unit)
    ticks = [
        float(tick) * size
        for tick in MaxNLocator(_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(low / size, high / size)
    ]
    if most is None:
        high = next(tick for tick in ticks if tick >= high * (1 - 1e-9))
    if least is None:
        low = next(tick for tick in reversed(ticks) if tick <= low)
    shown = [tick for tick in ticks if low <= tick <= high * (1 + 1e-9)]
    return Scale(low, high, shown, [text_of(tick, unit) for tick in shown])


def logarithmic(values: Sequence[float], unit: str) -> Scale:
    """Holds all of `values` that are above 0; a little room on both sides. As many round values as there is room for."""
    above = [value for value in values if value > 0]
    low, high = min(above, default=0.1) / 1.2, max(above, default=10.0) * 1.2
    for density in (3, 2, 1, 0):
        shown = [tick for tick in _round(low, high, unit, density) if low <= tick <= high]
        if len(shown) <= _TICKS + 1:
            break
    return Scale(low, high, shown, [text_of(tick, unit) for tick in shown])


def _round(low: float, high: float, unit: str, density: int) -> list[float]:
    """Round values of a decade; of seconds beyond a minute those of a clock."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [part * 10.0**decade for decade in decades for part in _IN_A_DECADE[density]]
    if unit != "s":
        return ticks
    return [tick for tick in ticks if tick < 40] + [float(tick) for tick in _OF_A_CLOCK_S[density]]


def clock(start_s: float, end_s: float, at_most: int = 5) -> list[float]:
    """Round times between two."""
    for step_s in (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400):
        first = math.ceil(start_s / step_s) * step_s
        if (end_s - first) / step_s < at_most:
            break
    return [first + number * step_s for number in range(math.floor((end_s - first) / step_s) + 1)]
