"""What Prometheus makes of counters scraped once a minute: `increase` over a window, at given minutes.

A window is open on its left, so an hour of a counter scraped each minute holds 60 samples and 59 minutes between them;
`increase` stretches what it sees to the whole window. A window that reaches beyond the first sample is stretched by
half a minute only.
"""

import numpy as np

from prometheus.thresholds import span_s
from tests.rules.drawn import Floats, Whole

SCRAPE_S = 60


def minutes(span: str) -> int:
    """A span of the thresholds in scrapes."""
    return span_s(span) // SCRAPE_S


def counter(per_minute: Floats | Whole) -> Floats | Whole:
    """A counter, as each scrape sees it."""
    return np.cumsum(per_minute, axis=0)


def increase(counted: Floats | Whole, at: Whole, window: int) -> Floats:
    """Growth over `window` minutes up to each of the minutes `at`; one column per counter."""
    first = np.maximum(at - window + 1, 0)
    between = at - first
    stretched = between + np.where(at - window + 1 >= 0, 1.0, 0.5)
    grown = counted[at] - counted[first]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(between > 0, stretched / between, np.nan)
    return grown * (factor if grown.ndim == 1 else factor[:, None])


def ratio(part: Floats, whole: Floats) -> Floats:
    """A division that is absent (nan) without anything to divide by, like `/ (... > 0)`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / np.where(whole > 0, whole, np.nan), np.nan)
