"""Keeps the parts of a started installation running: what ends is started again, and what keeps ending is given up."""

from collections.abc import Callable, Iterable

from ops.stack.part import Part
from ops.stack.process import ComponentFailed

BACKOFF_S = (0.0, 1.0, 4.0, 15.0, 60.0)
# A part that has run for this long is well again: the next end counts as its first.
WELL_S = 300.0
_TAIL = 8


class Supervisor:
    """`look` is called again and again. `now` gives seconds of a steady clock, `say` takes lines for the operator."""

    def __init__(self, parts: Iterable[Part], now: Callable[[], float], say: Callable[[str], None]) -> None:
        self._now = now
        self._say = say
        self._watched = [_Watched(part, now()) for part in parts]

    @property
    def given_up(self) -> list[str]:
        """Names of the parts that are not started any more."""
        return [one.part.name for one in self._watched if one.given_up]

    def look(self) -> None:
        """Start what has ended, when its time has come."""
        for one in self._watched:
            if not one.given_up and not one.part.running:
                self._ended(one)

    def _ended(self, one: "_Watched") -> None:
        now = self._now()
        if one.retry_at is None:
            one.ends = 0 if now - one.started > WELL_S else one.ends
            if one.ends == len(BACKOFF_S):
                one.given_up = True
                self._say(f"{one.part.name} ended again and is given up; the rest goes on. Its log: {one.part.log}")
                return
            one.retry_at = now + BACKOFF_S[one.ends]
            one.ends += 1
            self._say(f"{one.part.name} has ended; starting it again\n{one.part.tail(_TAIL)}")
        if now < one.retry_at:
            return
        one.retry_at, one.started = None, now
        try:
            # What its children still hold would be in the way.
            one.part.kill()
            one.part.start()
        except ComponentFailed:
            return
        self._say(f"{one.part.name} runs again")


class _Watched:
    """One part, and how often it has ended of late."""

    def __init__(self, part: Part, started: float) -> None:
        self.part = part
        self.started = started
        self.ends = 0
        self.retry_at: float | None = None
        self.given_up = False
