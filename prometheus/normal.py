"""A value against its own past: median and spread over the baseline, and how far the present is from them.

The spread is that of the same windowed value over the baseline, not a sampling error: a formula that assumes
independent answers is sure of itself whenever a load wanders, and alarms. Median and quartiles instead of mean and
deviation, so that a slow day does not become normal within hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus.promql import matching
from prometheus.rule import Recording, looked_up
from prometheus.thresholds import Thresholds, span_s

# Quartiles of a normal distribution are so many standard deviations apart.
_IQR_OF_SIGMA = 1.349
# A share that was never seen to differ from 0 or 1 may still do so this often by chance.
_RARE = 0.05
# A baseline is recorded seldom, and must be seen until the next time, and once more if that fails.
_HELD = 2.5


@dataclass(frozen=True)
class Followed:
    """A recorded value over `window`, with `labels`; `count` is the recorded number of events behind it, if known, and
    `share` says that the value is a share of them."""

    name: str
    labels: Sequence[str]
    window: str
    count: str = ""
    share: bool = False

    def part(self, what: str, limits: Thresholds) -> str:
        """Name of what is recorded about its past."""
        return f"{self.name}:{what}_{limits.normal.baseline}"

    def baseline(self, limits: Thresholds) -> list[Recording]:
        """Its past, which ends where the present window begins."""
        past = f"{self.name}[{limits.normal.baseline}] offset {self.window}"
        upper, lower = (f"quantile_over_time({quartile}, {past})" for quartile in (0.75, 0.25))
        return [
            Recording(self.part("median", limits), f"quantile_over_time(0.5, {past})"),
            Recording(self.part("spread", limits), f"({upper} - {lower}) / {_IQR_OF_SIGMA}"),
            Recording(self.part("points", limits), f"count_over_time({past})"),
        ]

    def counted(self, limits: Thresholds) -> Recording:
        """How many events the window usually has."""
        past = f"{self.count}[{limits.normal.baseline}] offset {self.window}"
        return Recording(self.usual_count(limits), f"avg_over_time({past})")

    def usual_count(self, limits: Thresholds) -> str:
        return f"{self.count}:mean_{limits.normal.baseline}"

    def usual(self, what: str, limits: Thresholds) -> str:
        """What was last recorded about its past: `median`, `spread`, `points`."""
        return held(self.part(what, limits), limits)

    def z(self, limits: Thresholds, *, sign: str = "") -> str:
        """How many spreads it is above its median (`sign` "-": below). In quiet hours, with fewer events than usual,
        the spread is taken to be wider in proportion."""
        on = matching(self.labels)
        spread = self.usual("spread", limits)
        if self.count:
            fewer = f"{held(self.usual_count(limits), limits)} / {on} {self.count}"
            spread = f"({spread} * {on} sqrt(clamp_min({fewer}, 1)))"
        if self.share:
            usual = not_rare(self.usual("median", limits))
            spread = at_least_chance(spread, usual, f"{on} {self.count}", self.labels)
        return f"{sign}({self.name} - {on} {self.usual('median', limits)}) / {on} {spread}"

    def told(self, limits: Thresholds, how: str) -> str:
        """Its median, in the texts of an alert."""
        return looked_up(f"last_over_time({self.part('median', limits)}{{%s}}[1h])", self.labels, how)

    def known(self, limits: Thresholds) -> str:
        """Where there is enough of a past."""
        return f"{self.usual('points', limits)} >= {limits.normal.min_points}"


def not_rare(share: str) -> str:
    """A usual share as its sampling error is reckoned: one that is always 0 would have none at all."""
    return f"clamp({share}, {_RARE:g}, {1 - _RARE:g})"


def at_least_chance(spread: str, share: str, per_count: str, labels: Sequence[str]) -> str:
    """The spread of a share, or its sampling error where that is more: a smaller spread is luck. `per_count` is what the
    variance is divided by, with its matching."""
    error = f"sqrt({share} * (1 - {share}) / {per_count})"
    return f"(({spread} >= {matching(labels)} {error}) or {error})"


def held(name: str, limits: Thresholds) -> str:
    """The last value of what is recorded seldom: by itself it would be gone after five minutes."""
    seconds = int(_HELD * span_s(limits.normal.baseline_every))
    return f"last_over_time({name}[{max(seconds, 60)}s])"
