"""One drill from its beginning to its end: refuse, ask until the past is known, break, wait for the alert, look at it,
mend, wait until it is over. Whatever happens, what was broken is mended first."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime

from service.cli.drill import links
from service.cli.drill.alertmanager import Alert
from service.cli.drill.drills import Asks, Drill
from service.cli.drill.faults import Acting
from service.cli.drill.interrupts import Interrupts
from service.cli.drill.links import ENVIRONMENT
from service.cli.drill.mark import Mark
from service.cli.drill.past import pasts
from service.cli.drill.scene import Scene
from service.cli.drill.timeline import Report
from service.cli.drill.traffic import Traffic
from service.cli.failures import Failure
from service.clock import Clock

_LOOK_S = 1.0
_REPEATED = 3
# So often in a row a look may fail: the machine is under load on purpose.
_MISSES = 5


class Running:
    """Runs `drill` and writes what happens into `report`. `say` gets what is waited for; each wait ends after
    `patience_s`."""

    def __init__(
        self,
        drill: Drill,
        scene: Scene,
        report: Report,
        clock: Clock,
        interrupts: Interrupts,
        say: Callable[[str], None],
        patience_s: float,
    ) -> None:
        self._drill = drill
        self._scene = scene
        self._report = report
        self._clock = clock
        self._interrupts = interrupts
        self._say = say
        self._patience_s = patience_s
        self._labels: dict[str, str] = {}

    def run(self) -> None:
        """To the end. Raises `Failure`; the report then holds how far it came."""
        drill, scene, note = self._drill, self._scene, self._report.timeline.note
        self._prepare()
        rule = scene.prometheus.rule(drill.alert)
        traffic = Traffic(self._ask, self._clock)
        with ExitStack() as around:
            mark = around.enter_context(Mark(scene.prometheus.api, self._mark_labels(), self._clock))
            note("marked on the dashboards" if mark.accepted else "not marked: Prometheus takes no remote write")
            if drill.asks is not Asks.NOTHING:
                around.enter_context(traffic)
                note(f"{scene.model} is asked ({drill.asks} questions)")
            if drill.usual is not None:
                self._until("what is usual", lambda: self._is_usual(rule.query), traffic)
                note(f"what is usual is known; answers take {traffic.mean_s:.2f} s")
            with self._interrupts.mended(drill.inject(Acting(scene, traffic, rule.query))) as told:
                broken = note(f"broken: {told}")
                alert = self._await_alert(traffic, broken.after_s)
                self._look_at(alert, broken.at)
            mended = note("mended")
            self._until(f"the end of {drill.alert}", lambda: not self._alerts(), traffic)
            self._report.cleared_after_s = note(f"{drill.alert} is over").after_s - mended.after_s
            if drill.asks is not Asks.NOTHING:
                note(f"{traffic.answered} questions answered, {traffic.failed.total()} failed")

    def _prepare(self) -> None:
        """See that all is in place and nothing is broken already. Raises `Failure`."""
        drill, scene = self._drill, self._scene
        drill.possible(scene.parts)
        scene.alertmanager.require()
        watched = scene.prometheus.environments()
        if watched != {scene.environment}:
            seen = f"watches {', '.join(sorted(watched))}" if watched else "has seen no service yet"
            todo = "Name the right one with --prometheus, or wait for its first look."
            raise Failure(
                f"The Prometheus at {scene.prometheus.api.url} {seen}", "this drill is for development", todo=todo
            )
        if not scene.prometheus.alertmanagers():
            raise Failure(f"The Prometheus at {scene.prometheus.api.url} sends alerts to nobody")
        if drill.needs_model:
            scene.choose_model()
        self._labels = self._report.labels = drill.expected(scene)
        state = scene.prometheus.rule(drill.alert).state(self._labels)
        if state or self._alerts():
            todo = "Wait until it is over; the dashboards say why it fires."
            raise Failure(f"{drill.alert} is {state or 'firing'} already", "the drill would prove nothing", todo=todo)
        if drill.asks is not Asks.NOTHING:
            scene.try_question()

    def _mark_labels(self) -> dict[str, str]:
        return {ENVIRONMENT: self._scene.environment, "drill": self._drill.name}

    def _ask(self, number: int) -> object:
        if self._drill.asks is Asks.REPEATED:
            return self._scene.ask(number % _REPEATED, cache={})
        return self._scene.ask(number)

    def _is_usual(self, query: str) -> bool:
        expected = self._drill.usual
        found = pasts(self._scene.prometheus, query, self._labels)
        if expected is None or not found:
            return True
        self._say(f"asking until it is known what is usual: {found[0]}")
        return any(past.is_enough(expected) for past in found)

    def _alerts(self) -> list[Alert]:
        return self._scene.alertmanager.alerts(self._drill.alert, self._labels)

    def _await_alert(self, traffic: Traffic, broken_after_s: float) -> Alert:
        found: list[Alert] = []
        seen = ""

        def fires() -> bool:
            nonlocal seen
            state = self._scene.prometheus.rule(self._drill.alert).state(self._labels)
            if state and state != seen:
                self._report.timeline.note(f"{self._drill.alert} is {state} in Prometheus")
            seen = state or seen
            found.extend(self._alerts())
            return bool(found)

        self._say(f"waiting for {self._drill.alert}")
        self._until(self._drill.alert, fires, traffic)
        event = self._report.timeline.note(f"{self._drill.alert} is in Alertmanager, {_told_to(found[0])}")
        self._report.fired_after_s = event.after_s - broken_after_s
        return found[0]

    def _look_at(self, alert: Alert, broken_at: float) -> None:
        others = 0
        if self._drill.names_model:
            same = self._scene.alertmanager.alerts(self._drill.alert, {ENVIRONMENT: self._scene.environment})
            others = sum(one.labels != alert.labels and _unix_s(one.since) >= broken_at for one in same)
        self._report.findings += links.checks(alert, self._labels, others, traced=self._drill.traced)

    def _until(self, what: str, holds: Callable[[], bool], traffic: Traffic) -> None:
        """Look again until it holds. Raises `Failure` when patience is at its end, or looks fail again and again."""
        deadline, misses = self._clock.monotonic() + self._patience_s, 0
        while True:
            traffic.check()
            try:
                if holds():
                    return
                misses = 0
            except Failure:
                misses += 1
                if misses == _MISSES:
                    raise
            if self._clock.monotonic() > deadline:
                lines = [f"questions answered: {traffic.answered}, failed: {dict(traffic.failed)}"]
                todo = "See the dashboards and the logs; --patience waits longer."
                raise Failure(f"Not within {self._patience_s / 60:g} min: {what}", lines=lines, todo=todo)
            self._scene.pause(_LOOK_S)


def _told_to(alert: Alert) -> str:
    receivers = ", ".join(name for name in alert.receivers if name != "nobody")
    if alert.suppressed_by:
        return "suppressed by a silence or another alert"
    return f"told to {receivers}" if receivers else "told to nobody"


def _unix_s(moment: str) -> float:
    with suppress(ValueError):
        return datetime.fromisoformat(moment).timestamp()
    return 0.0
