"""Watching a version at work: everybody's requests, and questions of our own beside them, until the time is over or it
is certain that it is worse."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ops.checkpoint.live_service import LiveService
from ops.rollout.evidence import Collected, Past, Seen, Usual
from ops.rollout.judging import Judged, judge
from ops.rollout.readiness import unready
from ops.rollout.smoke import ask
from prometheus.thresholds import Thresholds
from service.cli.failures import Failure
from service.cli.wording import seconds
from service.clock import Clock

# How often it may be silent in a row.
_MISSES = 3
_TELL_S = 60.0
# Than it was to take, at most.
_LONGER, _LONGER_S = 2.0, 120.0


@dataclass(frozen=True)
class Pace:
    """Questions of our own: `rounds` of each within the time, and at most `per_s` a second."""

    rounds: int = 4
    per_s: float = 1.0
    look_s: float = 5.0


@dataclass
class Watching:
    """`alive` says whether the version still runs. `before` and `usual` are what it is held against, `quiet` the alerts
    that fired before it came."""

    live: LiveService
    past: Past
    limits: Thresholds
    alive: Callable[[], bool]
    before: Seen
    usual: Mapping[str, Usual]
    quiet: frozenset[str]
    clock: Clock
    pause: Callable[[float], None]
    say: Callable[[str], None]

    def watch(self, since: float, for_s: float, questions: Sequence[str], pace: Pace) -> list[Judged]:
        """The judgements at the end: that of the first look with a bad one, or the last. Never raises `Failure`.

        A slow version answers fewer of our questions within the time, which must not be to its good: so it takes
        longer then, until all have been asked, and is bad if even that takes too long.
        """
        collected, misses = Collected(since), 0
        began = self.clock.monotonic()
        wanted = pace.rounds * len(questions)
        gap_s = max(1 / pace.per_s, for_s / max(1, wanted))
        next_question = next_look = began
        next_word, number = began + _TELL_S, 0
        while True:
            now = self.clock.monotonic()
            over = now - began >= for_s and number >= wanted
            if not over and now - began >= _LONGER * for_s + _LONGER_S:
                why = f"only {number} of our {wanted} questions were answered within {seconds(now - began)}"
                return [Judged("answers", True, why)]
            if questions and now >= next_question and not over:
                with suppress(Failure):  # the service has counted it
                    ask(self.live.client, questions[number % len(questions)])
                number, next_question = number + 1, now + gap_s
            if over or now >= next_look:
                next_look = now + pace.look_s
                judged, misses = self._look(collected, misses)
                if over or any(one.bad for one in judged):
                    return judged
                if now >= next_word:
                    next_word = now + _TELL_S
                    self.say(f"  {seconds(now - began)}: {judged[0].said}")
            upcoming = min(next_look, next_question if questions else next_look, max(now, began + for_s))
            self.pause(max(0.02, min(1.0, upcoming - self.clock.monotonic())))

    def _look(self, collected: Collected, misses: int) -> tuple[list[Judged], int]:
        if not self.alive():
            return [Judged("process", True, "it has ended, or another version runs")], misses
        try:
            if unready_now := unready(self.live.url):
                raise Failure(unready_now)
            collected.look(self.live)
        except Failure as error:
            why = ": ".join(filter(None, (error.what, error.why)))
            return [Judged("ready", misses + 1 >= _MISSES, f"{misses + 1} times in a row: {why}")], misses + 1
        judged = judge(self.before, collected.seen(), self.usual, self.limits)
        alerts = sorted(self.past.firing() - self.quiet)
        judged.append(Judged("alerts that page", bool(alerts), ", ".join(alerts) or "none that did not fire before"))
        return judged, 0
