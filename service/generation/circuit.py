"""One circuit: failures in a row, since when the way is barred, and the single call that tries it again. Pure but for
the clock, and for a line in the log when it opens and when it closes."""

import logging

from service.clock import Clock
from service.generation.port import BreakerState

_log = logging.getLogger(__name__)


class Circuit:
    """Failures in a row, and since when the way is barred. `name` is for the log."""

    def __init__(self, name: str, clock: Clock, threshold: int, pause_s: float) -> None:
        self._name = name
        self._clock = clock
        self._threshold = threshold
        self._pause_s = pause_s
        self._failures = 0
        self._opened_at: float | None = None
        self._probe: object | None = None

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._left_s(self._opened_at) > 0 else BreakerState.HALF_OPEN

    def refuses_for(self) -> float | None:
        """Seconds after which to come again; None when a call may go ahead."""
        if self._opened_at is None:
            return None
        left_s = self._left_s(self._opened_at)
        if left_s > 0:
            return left_s
        return min(1.0, self._pause_s) if self._probe is not None else None

    def enter(self, call: object) -> bool:
        """Begin a call that was not refused. True when it is the single one that a half open breaker lets through."""
        if self._opened_at is None:
            return False
        self._probe = call
        return True

    def leave(self, call: object) -> None:
        if self._probe is call:
            self._probe = None

    def fail(self) -> None:
        self._failures += 1
        if self._failures >= self._threshold or self._opened_at is not None:
            if self._opened_at is None:
                told = "%s failed %d times in a row: left alone, and tried every %g s"
                _log.warning(told, self._name, self._failures, self._pause_s)
            self._opened_at = self._clock.monotonic()

    def relent(self) -> None:
        """Let others in again, but be quick to close the door: one more failure opens it."""
        if self._opened_at is not None:
            self.close()
            self._failures = self._threshold - 1

    def close(self) -> None:
        if self._opened_at is not None:
            _log.info("%s answers again", self._name)
        self._failures = 0
        self._opened_at = None
        self._probe = None

    def _left_s(self, opened_at: float) -> float:
        return opened_at + self._pause_s - self._clock.monotonic()
