"""How far a figure can be trusted: intervals that hold the true value with 95 %. Exact: a count of 0 has one too."""

from collections.abc import Callable, Sequence
from math import comb, exp, lgamma, log

_TAIL = 0.025


def rate(events: int, weeks: float) -> tuple[float, float]:
    """Of events a week, if they come by chance (Poisson)."""
    low = 0.0 if events == 0 else _solved(lambda mean: 1 - _at_most(events - 1, mean), _TAIL)
    high = _solved(lambda mean: -_at_most(events, mean), -_TAIL)
    return low / weeks, high / weeks


def median(ordered: Sequence[float]) -> tuple[float, float]:
    """Of the median of what these are drawn from: between two of them (ordered), whatever their distribution is."""
    number = len(ordered)
    below, cut = 0.0, 0
    while cut < number // 2 and below + comb(number, cut) / 2**number <= _TAIL:
        below += comb(number, cut) / 2**number
        cut += 1
    outer = max(cut - 1, 0)
    return ordered[outer], ordered[number - 1 - outer]


def _at_most(events: int, mean: float) -> float:
    """How probable so many events or fewer are where `mean` are expected."""
    return sum(exp(number * log(mean) - mean - lgamma(number + 1)) for number in range(events + 1))


def _solved(rising: Callable[[float], float], value: float) -> float:
    """Where a function that rises has this value."""
    low, high = 1e-9, 1.0
    while rising(high) < value:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return high
