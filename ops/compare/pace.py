"""How fast questions may follow each other at one instance, and what is asked of production at most."""

import threading
from collections.abc import Callable

from service.clock import Clock

# Questions per second, and at once, to an instance that does not say it is for development.
PRODUCTION_PER_S = 1.0
PRODUCTION_AT_ONCE = 2
DEVELOPMENT = "development"


class Pace:
    """`per_s` questions per second at most, evenly, whoever asks. Threads may share it."""

    def __init__(self, per_s: float, clock: Clock, wait: Callable[[float], object]) -> None:
        self._gap_s = 1 / per_s
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._next = clock.monotonic()

    def turn(self) -> None:
        """Returns when the next question may be asked."""
        with self._lock:
            at = max(self._next, self._clock.monotonic())
            self._next = at + self._gap_s
            left = at - self._clock.monotonic()
        if left > 0:
            self._wait(left)


def allowed_per_s(wish: float | None, usual: float, environment: str, production: float) -> tuple[float, str]:
    """The pace for an instance of this environment, and why it may not be as wished (empty when it may)."""
    if environment == DEVELOPMENT:
        return wish or usual, ""
    if wish is not None and wish > production:
        return production, f"{wish:g} questions a second are wished, {production:g} are allowed to {environment}"
    return min(wish or usual, production), ""
