"""Order statistics of durations in seconds. Pure.

Linear interpolation between the two nearest ranks (Hyndman and Fan, type 7), the default of numpy and of most tools,
so that the figures here agree with those that people compute from an export.
"""

from collections.abc import Iterable, Sequence

from service.monitoring.port import Quantiles


def quantiles(durations: Iterable[float]) -> Quantiles:
    """All figures at once; only a count of 0 when there are no durations."""
    ordered = sorted(durations)
    if not ordered:
        return Quantiles(0)
    return Quantiles(
        count=len(ordered),
        mean_s=sum(ordered) / len(ordered),
        p50_s=quantile(ordered, 0.5),
        p95_s=quantile(ordered, 0.95),
        p99_s=quantile(ordered, 0.99),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of `ordered` lies. `ordered` is ascending and not empty."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
