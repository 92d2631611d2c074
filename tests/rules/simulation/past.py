"""What is usual, as the rules of prometheus/normal.py record it: median, spread, and number of values of the last days.

A baseline is evaluated seldom and holds until the next one. Values are in rows, one per evaluation of the rules; absent
ones are nan, as in Prometheus they would leave a gap.
"""

from dataclasses import dataclass

import numpy as np

from prometheus.normal import _IQR_OF_SIGMA
from prometheus.thresholds import Normal
from tests.rules.drawn import Floats
from tests.rules.simulation.windows import minutes


@dataclass(frozen=True)
class Past:
    """Of values in columns, at every evaluation."""

    median: Floats
    spread: Floats
    points: Floats
    mean: Floats


def past(values: Floats, window: str, normal: Normal, since: int) -> Past:
    """The past of `values` (rows: evaluations) as seen at every evaluation from number `since` on."""
    every, hold = minutes(normal.every), minutes(normal.baseline_every) // minutes(normal.every)
    offset, points = minutes(window) // every, minutes(normal.baseline) // every
    found = np.full((4, *values.shape), np.nan)
    for now in range(since - since % hold, len(values), hold):
        # `[7d] offset 1h`: open on its left, and ending an hour ago.
        last = now - offset
        if last < 0:
            continue
        found[:, now : now + hold] = _told(values[max(last - points + 1, 0) : last + 1])[:, None]
    return Past(*found)


def _told(values: Floats) -> Floats:
    """Median, spread, number and mean of each column, absent values left out."""
    ordered = np.sort(values, axis=0)  # nan comes last
    number = np.count_nonzero(ordered == ordered, axis=0)
    lower, median, upper = (_quantile(ordered, number, share) for share in (0.25, 0.5, 0.75))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(values, axis=0) / number
    return np.stack([median, (upper - lower) / _IQR_OF_SIGMA, np.where(number, number, np.nan), mean])


def _quantile(ordered: Floats, number: Floats, share: float) -> Floats:
    """As quantile_over_time: between the two nearest values, in proportion."""
    rank = share * np.maximum(number - 1, 0)
    below = np.floor(rank).astype(int)
    above = np.minimum(below + 1, np.maximum(number - 1, 0))
    column = np.arange(ordered.shape[1])
    low, high = ordered[below, column], ordered[above, column]
    return low + (high - low) * (rank - below)
