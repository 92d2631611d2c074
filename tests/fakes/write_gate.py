"""A write gate for tests: keeps nobody out, and knows who holds it."""

from collections import deque
from collections.abc import Callable

from service.corpus.port import Hold, Pause, Restore
from service.errors import NotFound


class FakeWriteGate:
    """Implements `WriteGate`. `failures` are raised by the next calls of `hold`; `holding` is the token that is out.
    `expire` ends a hold as its deadline does."""

    store = "7:11"

    def __init__(self) -> None:
        self.failures: deque[Exception] = deque()
        self.calls: list[tuple[float, float]] = []
        self.restores: list[Restore] = []
        self.holding = ""
        self._on_end: Callable[[Pause], None] | None = None

    async def hold(self, wait_s: float, for_s: float, on_end: Callable[[Pause], None] | None = None) -> Hold:
        self.calls.append((wait_s, for_s))
        if self.failures:
            raise self.failures.popleft()
        self.holding, self._on_end = f"token{len(self.calls)}", on_end
        return Hold(self.holding, self.store, for_s, 0.25)

    def release(self, token: str) -> Pause:
        if not self.holding or token != self.holding:
            raise NotFound("this hold is over")
        return self._end(expired=False)

    def note(self, restore: Restore) -> None:
        self.restores.append(restore)

    def expire(self) -> None:
        self._end(expired=True)

    def _end(self, *, expired: bool) -> Pause:
        pause = Pause(1.5, expired)
        self.holding = ""
        if self._on_end is not None:
            self._on_end(pause)
        return pause
