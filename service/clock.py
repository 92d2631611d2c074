"""The clock, injected everywhere so that tests own time.

Durations, deadlines and time-to-live use `monotonic`; only stamps shown to people use `time`.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: seconds that never go back, and Unix seconds."""

    def monotonic(self) -> float: ...

    def time(self) -> float: ...


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        return time.perf_counter()

    def time(self) -> float:
        return time.time()
