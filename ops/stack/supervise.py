"""Keeps the parts of a started installation running: what ends is started again, and what keeps ending is given up."""

from collections.abc import Callable, Iterable

from ops.stack.part import Part

BACKOFF_S = (0.0, 1.0, 4.0, 15.0, 60.0)
# A part that has run for this long is well again: the next end counts as its first.
WELL_S = 300.0
# Somebody asked it to end, such as a deploy: after it could be used, that is no fault of its own.
_IN_ORDER = "with status 0"
_TAIL = 8


class Supervisor:
    """`look` is called again and again, and waits for nothing. `now` gives seconds of a steady clock, `say` takes lines
    for the operator."""

    def __init__(self, parts: Iterable[Part], now: Callable[[], float], say: Callable[[str], None]) -> None:
        self._now = now
        self._watched = [_Watched(part, now(), say) for part in parts]

    @property
    def given_up(self) -> list[str]:
        """Names of the parts that are not started any more."""
        return [one.part.name for one in self._watched if one.given_up]

    def look(self) -> None:
        """Start what has ended, when its time has come."""
        for one in self._watched:
            one.look(self._now())


class _Watched:
    """One part, and how often it has ended of late. It runs, or is starting (`ready_by`), or waits to (`retry_at`)."""

    def __init__(self, part: Part, started: float, say: Callable[[str], None]) -> None:
        self.part = part
        self.given_up = False
        self._say = say
        self._started = started
        self._ends = 0
        self._was_ready = True
        self._retry_at: float | None = None
        self._ready_by: float | None = None

    def look(self, now: float) -> None:
        if self.given_up:
            return
        if self._retry_at is not None:
            if now >= self._retry_at:
                self._start(now)
        elif not self.part.running:
            self._ended(now, f"has ended {self.part.how_it_ended}".rstrip())
        elif self._ready_by is not None:
            self._wait(now, self._ready_by)

    def _start(self, now: float) -> None:
        self._retry_at, self._started, self._ready_by = None, now, now + self.part.plan.start_s
        self._was_ready = False
        # What its children still hold would be in the way.
        self.part.kill()
        try:
            self.part.launch()
        except OSError as error:
            self._ended(now, f"could not be started ({error})")

    def _wait(self, now: float, ready_by: float) -> None:
        if self.part.ready:
            self._ready_by, self._was_ready = None, True
            self._say(f"{self.part.name} runs again")
        elif now > ready_by:
            self._ended(now, f"was not ready within {self.part.plan.start_s:g} s")

    def _ended(self, now: float, what: str) -> None:
        self._ready_by = None
        asked = self._was_ready and self.part.how_it_ended == _IN_ORDER
        self._ends = 0 if asked or now - self._started > WELL_S else self._ends
        if self._ends == len(BACKOFF_S):
            self.given_up = True
            self.part.kill()
            self._say(
                f"{self.part.name} {what}, again, and is given up; the rest goes on. End the stack and start it again "
                f"when the reason is gone.\n{self.part.tail(_TAIL)}"
            )
            return
        wait_s = BACKOFF_S[self._ends]
        self._ends += 1
        self._retry_at = now + wait_s
        when = f"in {wait_s:g} s" if wait_s else "now"
        self._say(f"{self.part.name} {what}; it is started again {when}\n{self.part.tail(_TAIL)}")
