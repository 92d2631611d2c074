"""Somebody who asks on and on while a drill runs, and counts what came of it."""

import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from service.cli.failures import Failure
from service.clock import Clock

_END_S = 15.0
_KEPT = 20
# Many askers at once shall not be a test of the machine.
_CROWD_PAUSE_S = 0.5


class Traffic:
    """Used in `with`: `ask` gets 0, 1, 2 ... from `askers` threads, each pausing `pause_s` between two.

    `before` is called before each question while it is set; a drill puts its fault there. Questions may fail, and are
    counted by the kind of failure; `check` raises what is a fault of the drill itself.
    """

    def __init__(self, ask: Callable[[int], object], clock: Clock, *, askers: int = 1, pause_s: float = 0.2) -> None:
        self.before: Callable[[], object] | None = None
        self.answered = 0
        self.failed: Counter[str] = Counter()
        self._ask = ask
        self._clock = clock
        self._pause_s = pause_s
        self._numbers = itertools.count()
        self._took: deque[float] = deque(maxlen=_KEPT)
        self._broken: Exception | None = None
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, name=f"asker {number}", daemon=True) for number in range(askers)
        ]

    @property
    def mean_s(self) -> float:
        """Of the latest answers; 0 before the first."""
        took = tuple(self._took)
        return sum(took) / len(took) if took else 0.0

    def check(self) -> None:
        """Raises what nobody expected of a question."""
        if self._broken is not None:
            raise self._broken

    @contextmanager
    def more(self, askers: int) -> Iterator[None]:
        """While the block runs, so many more ask the same; what comes of it is counted here."""
        crowd = Traffic(self._ask, self._clock, askers=askers, pause_s=_CROWD_PAUSE_S)
        crowd.failed = self.failed
        with crowd:
            yield
        crowd.check()

    def counted(self, kind: str) -> None:
        """A question that was asked elsewhere has failed."""
        self.failed[kind] += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_END_S / len(self._threads))

    def _go_on(self) -> None:
        try:
            while not self._over.is_set():
                self._one()
                self._over.wait(self._pause_s)
        except Exception as error:
            self._broken = error

    def _one(self) -> None:
        if (before := self.before) is not None:
            before()
        begun = self._clock.monotonic()
        try:
            self._ask(next(self._numbers))
        except Failure as failure:
            self.failed[failure.kind.value] += 1
        else:
            self.answered += 1
            self._took.append(self._clock.monotonic() - begun)
