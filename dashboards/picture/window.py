"""The time that is shown, and how Grafana cuts it into steps."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

_ROUND_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Window:
    """From `start_s` to `end_s` (Unix); `scrape_s` is the scrape interval that the data source was told."""

    start_s: float
    end_s: float
    scrape_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    def step_s(self, points: int, at_least_s: float = 0.0) -> float:
        """Seconds between two of at most `points` points."""
        step_s = max(self.length_s / points, at_least_s, self.scrape_s)
        return next((float(one) for one in _ROUND_S if one >= step_s), step_s)

    def aligned(self, step_s: float) -> tuple[float, float]:
        """Start and end at whole steps."""
        return math.floor(self.start_s / step_s) * step_s, math.floor(self.end_s / step_s) * step_s

    def macros(self, step_s: float) -> Mapping[str, str]:
        """What Grafana's own variables stand for."""
        return {
            "__interval": f"{step_s:g}s",
            "__rate_interval": f"{max(step_s + self.scrape_s, 4 * self.scrape_s):g}s",
            "__range": f"{self.length_s:.0f}s",
        }
