"""The shipped rules on a real installation: quiet while all is well, and what stops is noticed by those that claim to.

At the pace of tests (`hurried_rules`). What goes wrong with answers and models is proven by the drills.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ops.stack.process import wait_until
from tests.components.fixtures import require
from tests.components.installation import Installation, installed
from tests.components.ollama import CHAT_MODELS, RunningOllama

WITHIN_S = 60.0
PLACE = {"deployment_environment_name": "production"}
Seen = Callable[[str], None]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation of its own: its parts are stopped."""
    program = require("ollama")
    with (
        RunningOllama(program, tmp_path_factory.mktemp("ollama")) as ollama,
        installed(tmp_path_factory.mktemp("watched"), ollama) as running,
    ):
        for number in range(4):
            running.service.ask(f"What is force number {number}?", model=CHAT_MODELS[0])
        running.prometheus.until('ALERTS{alertname="Watchdog",alertstate="firing"}')
        yield running


def fire(installation: Installation) -> dict[str, Mapping[str, str]]:
    """Alerts that Alertmanager holds now, by name, with their labels."""
    return {one["labels"]["alertname"]: one["labels"] for one in installation.alertmanager.alerts()}


def told(installation: Installation, name: str, status: str) -> list[dict[str, Any]]:
    """What the webhook heard of one alert."""
    alerts = (alert for call in installation.webhook.calls for alert in call["alerts"])
    return [one for one in alerts if one["labels"]["alertname"] == name and one["status"] == status]


def noticed(installation: Installation, name: str, **labels: str) -> Mapping[str, str]:
    """Wait until the alert fires and its receiver has heard of it; its labels there."""
    wait_until(lambda: bool(told(installation, name, "firing")), WITHIN_S, f"{name} is told; {fire(installation)} fire")
    alert = told(installation, name, "firing")[-1]
    assert {**PLACE, **labels}.items() <= alert["labels"].items()
    assert {"grafana", "runbook"}.isdisjoint(alert["labels"])
    for link in ("dashboard_url", "runbook_url"):
        assert alert["annotations"][link].startswith(("http://", "file://")), alert["annotations"]
    return dict(alert["labels"])


def over(installation: Installation, name: str) -> None:
    wait_until(lambda: bool(told(installation, name, "resolved")), WITHIN_S, f"the end of {name} is told")


def test_an_installation_that_is_well_is_quiet(watched: Installation, seen: Seen) -> None:
    evaluated = "min(prometheus_rule_group_iterations_total)"
    before = watched.prometheus.value(evaluated)
    watched.prometheus.until(evaluated, lambda count: count >= before + 10, WITHIN_S)
    assert watched.prometheus.value("sum(prometheus_rule_evaluation_failures_total)") == 0
    firing = watched.prometheus.query('ALERTS{alertstate="firing"}')
    assert {one.labels["alertname"] for one in firing} == {"Watchdog"}
    names = watched.prometheus.rules()
    seen(f"alerts: quiet while all is well; {len(names)} alert rules evaluated")


def test_the_end_of_the_collector_is_told_and_its_return(watched: Installation, seen: Seen) -> None:
    collector = watched.stack.parts["otelcol"]
    collector.stop()
    labels = noticed(watched, "CollectorDown", job="otelcol")
    collector.start()
    over(watched, "CollectorDown")
    seen(f"alerts: Collector stopped -> {labels['alertname']}")


def test_the_end_of_the_service_is_told_and_silences_what_follows_from_it(watched: Installation, seen: Seen) -> None:
    service = watched.stack.parts["service"]
    service.stop(20)
    labels = noticed(watched, "RagServiceDown")
    assert labels["severity"] == "page"
    assert not told(watched, "RagOllamaDown", "firing")
    service.start()
    over(watched, "RagServiceDown")
    seen(f"alerts: service stopped -> {labels['alertname']}")


def test_the_end_of_prometheus_is_noticed_by_who_listens_to_the_watchdog(watched: Installation, seen: Seen) -> None:
    """A Prometheus that is gone tells nothing; the dead man's switch is no longer called."""

    def beats() -> int:
        return sum(call["receiver"] == "heartbeat" for call in watched.webhook.calls)

    before = beats()
    wait_until(lambda: beats() > before + 2, WITHIN_S, "the switch is called again and again")
    prometheus = watched.stack.parts["prometheus"]
    prometheus.stop(20)
    wait_until(lambda: "Watchdog" not in fire(watched), WITHIN_S, "the Watchdog ends with its Prometheus")
    silent = beats()
    prometheus.start()
    wait_until(lambda: "Watchdog" in fire(watched), WITHIN_S, "it is back")
    wait_until(lambda: beats() > silent, WITHIN_S, "the switch is called again")
    seen("alerts: Prometheus stopped -> the Watchdog falls silent")
