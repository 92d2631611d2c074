"""Counters that grow evenly, in promtool's notation: what a rule sees is then an exact number, just on either side of a
bound. For noise there is `traffic.py`.
"""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from prometheus.normal import Followed
from prometheus.thresholds import Thresholds
from tests.rules.case import PRODUCTION, named

# Per minute, and for how many minutes.
Part = tuple[float, int]
LONG = 600


def grows(*parts: Part) -> str:
    """A counter, a value a minute, first 0."""
    return added_up([per_minute for per_minute, minutes in parts for _ in range(minutes)])


def added_up(numbers: Iterable[float]) -> str:
    """A counter by what comes each minute. Written out: promtool's own steps add up to less now and then, by rounding,
    which reads as a restart."""
    return " ".join(f"{round(value, 6):.12g}" for value in accumulate(map(float, numbers), initial=0.0))


def stays(value: float, minutes: int = LONG) -> str:
    """One value all the time."""
    return f"{value:g}+0x{minutes}"


def usual(
    followed: Followed,
    limits: Thresholds,
    *,
    median: float,
    spread: float,
    count: float = 120,
    points: float = 2016,
    labels: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The past of a value, as the rules of baselines.yml would have recorded it."""
    recorded = {
        followed.part("median", limits): median,
        followed.part("spread", limits): spread,
        followed.part("points", limits): points,
        followed.usual_count(limits): count,
    }
    return {named(name, **PRODUCTION, **(labels or {})): stays(value) for name, value in recorded.items()}
