"""A clock that moves only when told to."""


class ManualClock:
    """Implements `Clock`. `advance` moves both readings; `set_time` sets the wall clock alone, as an operator would."""

    def __init__(self, monotonic: float = 1000.0, time: float = 1_700_000_000.0) -> None:
        self._monotonic = monotonic
        self._time = time

    def monotonic(self) -> float:
        return self._monotonic

    def time(self) -> float:
        return self._time

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("a monotonic clock never goes back")
        self._monotonic += seconds
        self._time += seconds

    def set_time(self, unix_s: float) -> None:
        self._time = unix_s
