"""How many calls may be made a second time: few enough that a failing server is never made worse by it."""

from collections import deque

from service.clock import Clock


class RetryBudget:
    """At most `share` of the calls of the last `window_s` seconds, and never fewer than one.

    One is for the quiet box, where the first call after a restart of the server may meet a connection that is dead.
    """

    def __init__(self, clock: Clock, *, share: float = 0.1, window_s: float = 60.0) -> None:
        self._clock = clock
        self._share = share
        self._window_s = window_s
        self._calls: deque[float] = deque()
        self._retries: deque[float] = deque()

    def note_call(self) -> None:
        """A call is being made for the first time."""
        self._forget(self._calls)
        self._calls.append(self._clock.monotonic())

    def take(self) -> bool:
        """Whether one more retry fits; if so, it is taken."""
        self._forget(self._calls)
        self._forget(self._retries)
        if len(self._retries) + 1 > max(1.0, self._share * len(self._calls)):
            return False
        self._retries.append(self._clock.monotonic())
        return True

    def _forget(self, times: deque[float]) -> None:
        oldest = self._clock.monotonic() - self._window_s
        while times and times[0] <= oldest:
            times.popleft()
