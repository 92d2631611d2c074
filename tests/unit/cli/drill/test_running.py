"""A drill from its beginning to its end, with an alert that a test breaks and mends."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from service.cli.drill.drills import DRILLS, Drill
from service.cli.drill.interrupts import Interrupts
from service.cli.drill.parts import Parts
from service.cli.drill.running import Running
from service.cli.drill.scene import Scene
from service.cli.drill.timeline import Report, Timeline
from service.cli.failures import Failure
from tests.fakes.clock import ManualClock
from tests.fakes.drill_machine import FakeMachine
from tests.fakes.drill_parts import FakeAlert, FakeDrillService, Watchers, watching

LABELS = {"deployment_environment_name": "development"}
MODEL = {"gen_ai_request_model": "small:1b"}
GOOD = {
    "summary": "Ollama does not answer",
    "description": "For 30 s.",
    "dashboard_url": "http://127.0.0.1:3003/d/gpu?var-environment=development",
    "runbook_url": "https://example.org/#ragollamadown",
}


@dataclass
class Stage:
    """A drill, ready to be run."""

    watchers: Watchers
    drill: Drill
    clock: ManualClock = field(default_factory=ManualClock)
    service: FakeDrillService = field(default_factory=FakeDrillService)
    said: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.report = Report(self.drill.name, self.drill.alert, Timeline(self.clock))

    def run(self, patience_s: float = 60.0) -> None:
        parts = Parts(self.service.url, FakeMachine(), self.pause)  # type: ignore[arg-type]
        scene = Scene(self.service, *self.watchers.clients, parts, self.pause)  # type: ignore[arg-type]
        scene.enter()
        with Interrupts(self.said.append) as interrupts:
            Running(self.drill, scene, self.report, self.clock, interrupts, self.said.append, patience_s).run()

    def pause(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.meanwhile()

    @property
    def events(self) -> list[str]:
        return [event.what for event in self.report.timeline.events]


def drill_of(name: str, alert: FakeAlert, **changes: Any) -> Drill:
    return replace(DRILLS[name], inject=alert.fault, possible=lambda parts: None, **changes)


@pytest.fixture
def down() -> Iterator[Stage]:
    """The drill ollama-down."""
    alert = FakeAlert("RagOllamaDown", dict(LABELS), GOOD)
    with watching(alert) as watchers:
        yield Stage(watchers, drill_of("ollama-down", alert))


def test_the_whole_way(down: Stage) -> None:
    down.run()
    assert down.report.passed, down.report.findings
    assert down.events == [
        "marked on the dashboards",
        "broken: it is broken",
        "RagOllamaDown is pending in Prometheus",
        "RagOllamaDown is firing in Prometheus",
        "RagOllamaDown is in Alertmanager, told to webhook",
        "mended",
        "RagOllamaDown is over",
    ]
    assert down.report.labels == LABELS
    assert (down.report.fired_after_s, down.report.cleared_after_s) == (1.0, 1.0)
    assert down.service.asked == []


def test_an_alert_that_does_not_come_is_a_failure_and_what_was_broken_is_mended(down: Stage) -> None:
    down.watchers.alert.stuck = True
    with pytest.raises(Failure, match="Not within 1 min: RagOllamaDown"):
        down.run()
    assert not down.watchers.alert.broken
    assert (down.report.fired_after_s, down.report.passed) == (None, False)


def test_one_that_does_not_end_is_a_failure(down: Stage) -> None:
    down.meanwhile = lambda: setattr(down.watchers.alert, "ending", 5)
    with pytest.raises(Failure, match="the end of RagOllamaDown"):
        down.run()
    assert not down.report.passed


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_whatever_ends_it_what_was_broken_is_mended(down: Stage, error: type[BaseException]) -> None:
    def ends() -> None:
        assert down.watchers.alert.broken
        raise error

    down.meanwhile = ends
    with pytest.raises(error):
        down.run()
    assert not down.watchers.alert.broken


def test_a_wrong_link_is_told_and_the_drill_goes_on_to_its_end(down: Stage) -> None:
    down.watchers.alert.annotations = GOOD | {"runbook_url": "https://example.org/"}
    down.run()
    assert not down.report.passed
    assert down.report.cleared_after_s is not None


def test_who_is_told_and_that_nobody_is(down: Stage) -> None:
    down.watchers.alertmanager.silenced_by = ["a silence"]
    down.run()
    assert "RagOllamaDown is in Alertmanager, suppressed by a silence or another alert" in down.events


def test_a_machine_under_load_may_fail_a_look_but_not_for_ever(down: Stage) -> None:
    looks = 0

    def away() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            down.watchers.prometheus.stop()
        if looks == 3:
            down.watchers.prometheus.restart()

    down.watchers.alert.stuck = True
    down.meanwhile = lambda: (away(), setattr(down.watchers.alert, "stuck", looks < 4))  # type: ignore[assignment,return-value]
    down.run()
    assert down.report.passed
    down.meanwhile = down.watchers.prometheus.stop
    down.watchers.alert.looks = 0
    with pytest.raises(Failure, match="Prometheus does not answer"):
        down.run()
    assert not down.watchers.alert.broken


def refused(stage: Stage, words: str) -> None:
    """Before anything is broken, and before anything is marked."""
    with pytest.raises(Failure, match=words):
        stage.run()
    assert stage.events == []
    assert stage.watchers.alert.looks < 3
    assert stage.watchers.prometheus.writes == []


def test_an_alert_that_fires_already_is_refused(down: Stage) -> None:
    down.watchers.alert.broken = True
    refused(down, "RagOllamaDown is pending already")
    refused(down, "RagOllamaDown is firing already")


def test_the_prometheus_of_another_environment_is_refused(down: Stage) -> None:
    down.watchers.prometheus.environments = ["production"]
    refused(down, "watches production")
    down.watchers.prometheus.environments = []
    refused(down, "has seen no service yet")


def test_a_prometheus_that_tells_nobody_is_refused(down: Stage) -> None:
    down.watchers.prometheus.alertmanagers = []
    refused(down, "sends alerts to nobody")


def test_absent_watchers_are_refused(down: Stage) -> None:
    down.watchers.prometheus.stop()
    refused(down, "Prometheus does not answer")
    down.watchers.alertmanager.stop()
    refused(down, "Alertmanager does not answer")


def test_a_drill_that_does_not_apply_is_refused(down: Stage) -> None:
    def impossible(parts: Parts) -> None:
        raise Failure("This service uses no Chroma server")

    down.drill = replace(down.drill, possible=impossible)
    refused(down, "no Chroma server")


@pytest.fixture
def slow() -> Iterator[Stage]:
    """The drill slow-model: questions are asked until it is known what is usual."""
    query = "x:points_30m[60s]) >= 12) and last_over_time(x:y:points_30m[60s]) >= 12"
    alert = FakeAlert("RagModelLatencyRegression", LABELS | MODEL, GOOD, query)
    with watching(alert) as watchers:
        yield Stage(watchers, drill_of("slow-model", alert))


def test_the_model_is_asked_until_it_is_known_what_is_usual(slow: Stage) -> None:
    values = slow.watchers.prometheus.values
    values |= {"points_30m": 3.0, "median_30m": 1.0, "spread_30m": 0.01}

    def later() -> None:
        if slow.clock.monotonic() > 1005:
            values["points_30m"] = 12.0

    slow.meanwhile = later
    slow.run()
    assert slow.events[:3] == [
        "marked on the dashboards",
        "small:1b is asked (fresh questions)",
        "what is usual is known; answers take 0.00 s",
    ]
    assert slow.said[0] == "asking until it is known what is usual: 3 of 12 points of what is usual"
    assert slow.events[-1].endswith("0 failed")
    assert slow.report.labels == LABELS | MODEL
    assert {body["model"] for body in slow.service.asked} == {"small:1b"}
    assert slow.service.asked[0]["cache"] == {"no-cache": True, "no-store": True}


def test_nothing_is_broken_while_the_past_is_too_short(slow: Stage) -> None:
    with pytest.raises(Failure, match="Not within 1 min: what is usual"):
        slow.run()
    assert slow.watchers.alert.looks == 0


def test_another_model_that_is_named_at_the_same_time_is_told(slow: Stage) -> None:
    slow.watchers.prometheus.values = {"points_30m": 12.0, "median_30m": 1.0}
    name = {"alertname": "RagModelLatencyRegression"}
    slow.watchers.alertmanager.others = [name | LABELS | {"gen_ai_request_model": "large:7b"}]
    slow.run()
    (labels,) = [one for one in slow.report.findings if one.check == "labels"]
    assert labels.seen == "1 more of this name fire, and name something else"


def test_a_question_that_reaches_no_model_is_refused(slow: Stage) -> None:
    slow.service.mode = "no_context"
    refused(slow, "did not answer the question")


def test_repeated_questions_are_few_and_use_the_cache() -> None:
    alert = FakeAlert("RagCacheHitRatioDrop", dict(LABELS), GOOD)
    with watching(alert) as watchers:
        stage = Stage(watchers, drill_of("cache-flushed", alert))
        stage.run()
    asked = stage.service.asked[1:]
    assert asked
    assert {str(body["cache"]) for body in asked} == {"{}"}
    assert len({body["query"] for body in asked}) <= 3
