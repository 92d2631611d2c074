"""Stopwatch of one request: seconds per stage, and the rest that no stage explains."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from service.ask.types import Stage, Timings
from service.clock import Clock


class Laps:
    """Starts with its making. Stages do not nest; one that runs twice adds up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._stages: dict[Stage, float] = {}
        self.current: Stage | None = None

    @contextmanager
    def of(self, stage: Stage) -> Iterator[None]:
        """Time a block. After a failure `current` still names the stage that failed."""
        self.current = stage
        begun = self._clock.monotonic()
        try:
            yield
        finally:
            self.add(stage, self._clock.monotonic() - begun)

    def add(self, stage: Stage, seconds: float) -> None:
        self._stages[stage] = self._stages.get(stage, 0.0) + seconds

    def merge(self, stages: Mapping[Stage, float]) -> None:
        """Take over what was measured by the work done for this request."""
        for stage, seconds in stages.items():
            self.add(stage, seconds)

    @property
    def elapsed_s(self) -> float:
        return self._clock.monotonic() - self._started

    @property
    def stages(self) -> dict[Stage, float]:
        return dict(self._stages)

    def timings(self) -> Timings:
        total_s = self.elapsed_s
        # Rounding to the microsecond happens on the wire; here the parts and the rest sum exactly.
        return Timings(total_s, self.stages, max(0.0, total_s - sum(self._stages.values())))
