"""A slow log in a list."""

from collections.abc import Sequence

from service.clock import Clock
from service.monitoring.port import EVERYTHING, KEPT_S, JudgedQuery, Kept, Wanted
from service.monitoring.wanted import takes
from tests.fakes.clock import ManualClock


class FakeSlowLog:
    """Implements `SlowLog`. `queries` is what was noted or set; `asked` logs the window and count that `slowest` was
    given; `problem` is told."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or ManualClock()
        self.queries: list[JudgedQuery] = []
        self.asked: list[tuple[float, int]] = []
        self.problem = ""
        self.closed = False

    def note(self, query: JudgedQuery) -> None:
        if not self.closed:
            self.queries.append(query)

    async def slowest(self, window_s: float, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        self.asked.append((window_s, count))
        found = self._found(wanted, self._clock.time() - window_s)
        return sorted(found, key=lambda query: query.record.duration_s, reverse=True)[:count]

    async def latest(self, before: float, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        found = [query for query in self._found(wanted) if query.record.at < before]
        found.sort(key=lambda query: query.record.at)
        return found[max(0, len(found) - count) :]

    async def find(self, trace_id: str) -> JudgedQuery | None:
        return next((query for query in self._found(EVERYTHING) if query.record.trace_id == trace_id), None)

    async def kept(self) -> Kept:
        ends = [query.record.at for query in self._found(EVERYTHING)]
        return Kept(min(ends, default=None), len(ends), 100 * len(ends), self.problem)

    async def close(self) -> None:
        self.closed = True

    def _found(self, wanted: Wanted, since: float = 0.0) -> list[JudgedQuery]:
        since = max(since, self._clock.time() - KEPT_S)
        return [query for query in self.queries if query.record.at >= since and takes(wanted, query)]
