"""Asks both instances, pair by pair, and keeps what was measured however it ends: done, stopped by the user, an
instance gone, or one that turns questions away."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ops.compare.instance import AWAY, BUSY, Instance
from ops.compare.measured import Lost, Pair, Side, Taken
from ops.compare.pace import Pace
from ops.compare.plan import Asked, Step
from service.cli.failures import Failure

# An instance that does not answer is looked for so often, so long apart.
_LOOKS, _LOOK_PAUSE_S = 3, 1.0
# So many questions in a row may be turned away, with this pause after each.
_TURNED_AWAY, _BUSY_PAUSE_S = 5, 3.0
_GLANCE_S = 0.05


class Ended(StrEnum):
    """How it ended."""

    DONE = "done"
    STOPPED = "stopped"
    GONE = "gone"
    BUSY = "busy"
    REFUSED = "refused"


@dataclass
class Outcome:
    """What was measured. `who` and `why` tell of the instance that ended it."""

    pairs: list[Pair] = field(default_factory=list)
    ended: Ended = Ended.DONE
    who: Side | None = None
    why: str = ""
    warmed: int = 0


class Replaying:
    """Works through `steps` with `at_once` askers. `keep` gets each pair at once, `advance` counts steps done, and
    `pause` waits. Raises what an instance refuses for good (`Failure`), unless something is measured by then."""

    def __init__(
        self,
        instances: Mapping[Side, Instance],
        questions: Sequence[Asked],
        steps: Sequence[Step],
        paces: Mapping[Side, Pace],
        *,
        at_once: int,
        keep: Callable[[Pair], object],
        advance: Callable[[int], object],
        pause: Callable[[float], object],
    ) -> None:
        self.outcome = Outcome()
        self._instances = instances
        self._questions = questions
        self._paces = paces
        self._keep = keep
        self._advance = advance
        self._pause = pause
        self._steps = iter(steps)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._done = 0
        self._turned_away = dict.fromkeys(Side, 0)
        self._broken: BaseException | None = None
        self._askers = [threading.Thread(target=self._go_on, name=f"asker {n}", daemon=True) for n in range(at_once)]

    def run(self) -> Outcome:
        """Until all is asked or something ends it. Ctrl-C ends it at once: what is being asked then is given up."""
        try:
            for asker in self._askers:
                asker.start()
            while any(asker.is_alive() for asker in self._askers) and not self._over.is_set():
                self._over.wait(_GLANCE_S)
        except KeyboardInterrupt:
            self._end(Ended.STOPPED)
        with self._lock:
            self._over.set()
            if isinstance(self._broken, Failure) and self.outcome.pairs:
                told = (self._broken.what, self._broken.why, *self._broken.lines)
                self.outcome.ended, self.outcome.why = Ended.REFUSED, ", ".join(filter(None, told))
            elif self._broken is not None:
                raise self._broken
            return self.outcome

    def _go_on(self) -> None:
        try:
            while not self._over.is_set():
                with self._lock:
                    step = next(self._steps, None)
                if step is None:
                    return
                self._take(step)
        except BaseException as error:
            self._broken = error
            self._over.set()

    def _take(self, step: Step) -> None:
        found: dict[Side, Taken | Lost] = {}
        for side in (step.first, step.first.other):
            self._paces[side].turn()
            if self._over.is_set():
                return
            found[side] = self._instances[side].ask(self._questions[step.question].text)
            self._consider(side, found[side])
        with self._lock:
            if self._over.is_set():
                return
            self._done += 1
            if step.warm:
                self.outcome.warmed += 1
            else:
                both = found[Side.BASELINE], found[Side.CANDIDATE]
                pair = Pair(step.question, step.round, step.first, *both)
                self.outcome.pairs.append(pair)
                self._keep(pair)
            self._advance(self._done)

    def _consider(self, side: Side, answer: Taken | Lost) -> None:
        """Ends it when the instance is gone, or turns away one question after the other."""
        if isinstance(answer, Taken) or answer.kind not in AWAY | BUSY:
            self._turned_away[side] = 0
        elif answer.kind in BUSY:
            self._turned_away[side] += 1
            if self._turned_away[side] >= _TURNED_AWAY:
                self._end(Ended.BUSY, side, answer.what)
            else:
                self._pause(_BUSY_PAUSE_S)
        elif not self._comes_back(side):
            self._end(Ended.GONE, side, answer.what)

    def _comes_back(self, side: Side) -> bool:
        for look in range(_LOOKS):
            if self._instances[side].there():
                return True
            if look < _LOOKS - 1:
                self._pause(_LOOK_PAUSE_S)
        return False

    def _end(self, how: Ended, who: Side | None = None, why: str = "") -> None:
        with self._lock:
            if not self._over.is_set():
                self.outcome.ended, self.outcome.who, self.outcome.why = how, who, why
                self._over.set()
