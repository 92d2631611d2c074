"""What silences what: each inhibition of the shipped configuration, by a real Alertmanager that runs with it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ops.stack.process import wait_until
from ops.stack.site import ROOT
from service.telemetry.catalogue import CONSTANT_LABELS, MODEL_LABEL
from tests.components.alertmanager_api import AlertmanagerApi
from tests.config.running_alertmanager import running
from tests.config.shipped_rules import alerts

ENVIRONMENT = next(iter(CONSTANT_LABELS))
SILENT_S = 20.0
# What stands in a matcher for alerts of any name.
ANY = "Rag.+"


def one(name: str, **labels: str) -> dict[str, str]:
    """Labels of an alert, without its environment."""
    return {"alertname": name, **labels}


@dataclass(frozen=True)
class Inhibition:
    """While `cause` fires, `silenced` are silent, and `heard` are not."""

    cause: Mapping[str, str]
    silenced: tuple[Mapping[str, str], ...]
    heard: tuple[Mapping[str, str], ...]


USERS_ARE_HURT = (one("RagErrorRatioHigh"), one("RagLatencyBudgetBurnPage", tier="simple"))
LOST_ON_THE_WAY = tuple(map(one, ("CollectorRefusing", "CollectorDroppingData", "RagSpansLost")))
WAITING = tuple(map(one, ("CollectorQueueFilling", "CollectorExportFailing")))
NO_TRACES, NO_METRICS = (one("TelemetryAbsent", signal=signal) for signal in ("traces", "metrics"))
CASES = {
    "no service": Inhibition(
        one("RagServiceDown"),
        (*USERS_ARE_HURT, one("RagDiskFilling"), one("RagCardinalityHigh"), NO_TRACES, NO_METRICS),
        (one("RagGpuFault", gpu="0"), one("StackPartDown"), one("TempoDown"), one("AlertsNotTold"), one("Watchdog")),
    ),
    "no Ollama": Inhibition(
        one("RagOllamaDown"),
        (
            one("RagModelLatencyRegression", **{MODEL_LABEL: "a:1"}),
            one("RagModelColdLoads", **{MODEL_LABEL: "b:1"}),
            one("RagModelMissing", **{MODEL_LABEL: "c:1"}),
            one("RagBreakerOpen", dependency="ollama/a:1"),
            one("RagQueueWaitHigh"),
            one("RagRequestsShed"),
            one("RagNoContextRise"),
        ),
        (*USERS_ARE_HURT, one("RagGpuFault"), one("RagDiskFilling"), one("RagVersionSlower"), one("TempoDown")),
    ),
    "no Chroma": Inhibition(
        one("RagChromaDown"),
        (one("RagNoContextRise"),),
        (*USERS_ARE_HURT, one("RagDependencyDown", dependency="cache"), one("RagModelMissing")),
    ),
    "a model comes and goes": Inhibition(
        one("RagModelColdLoads", **{MODEL_LABEL: "a:1"}),
        (one("RagModelLatencyRegression", **{MODEL_LABEL: "a:1"}),),
        (
            one("RagModelLatencyRegression", **{MODEL_LABEL: "b:1"}),
            one("RagVersionSlower", **{MODEL_LABEL: "a:1"}),
            one("RagModelMissing", **{MODEL_LABEL: "a:1"}),
        ),
    ),
    "the budget burns fast": Inhibition(
        one("RagLatencyBudgetBurnPage", tier="simple"),
        (one("RagLatencyBudgetBurnTicket", tier="simple"),),
        (one("RagLatencyBudgetBurnTicket", tier="medium"), one("RagErrorRatioHigh")),
    ),
    "no Collector": Inhibition(
        one("CollectorDown"),
        (*LOST_ON_THE_WAY, *WAITING, NO_TRACES),
        (NO_METRICS, one("RagHistogramOverflow"), one("StackPartDown", job="grafana")),
    ),
    "no Tempo": Inhibition(one("TempoDown"), WAITING, (*LOST_ON_THE_WAY, NO_TRACES)),
}


def _rules() -> list[dict[str, Any]]:
    return list(yaml.safe_load((ROOT / "prometheus" / "alertmanager.yml").read_text(encoding="utf-8"))["inhibit_rules"])


def _named(matchers: list[str]) -> set[str]:
    """Alerts that matchers name, for or against."""
    lists = [re.fullmatch(r'alertname(?:=|=~|!=|!~)"(.+)"', matcher) for matcher in matchers]
    return {name for found in lists if found for name in found[1].split("|")}


def test_every_name_is_that_of_an_alert() -> None:
    named = {name for rule in _rules() for part in ("source", "target") for name in _named(rule[f"{part}_matchers"])}
    assert named - {ANY} <= set(alerts())
    assert any(re.fullmatch(ANY, name) for name in alerts())


def test_every_alert_of_the_cases_exists_and_every_inhibition_has_a_case() -> None:
    used = {labels["alertname"] for case in CASES.values() for labels in (case.cause, *case.silenced, *case.heard)}
    assert used <= set(alerts())
    silenced = {(case.cause["alertname"], labels["alertname"]) for case in CASES.values() for labels in case.silenced}
    for rule in _rules():
        (cause,) = _named(rule["source_matchers"])
        positive = [matcher for matcher in rule["target_matchers"] if "!" not in matcher]
        for target in _named(positive) - {ANY}:
            assert (cause, target) in silenced, f"no case for {cause} -> {target}"


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["source_matchers"][0])
def test_what_must_be_equal_is_a_label_of_both(rule: dict[str, Any]) -> None:
    """Alertmanager holds two absent labels for equal: then one model would silence another."""
    for label in set(rule["equal"]) - {ENVIRONMENT}:
        for name in _named(rule["source_matchers"]) | _named(rule["target_matchers"]):
            assert f"$labels.{label}" in str(alerts()[name]["annotations"]), f"{name} has no {label}"


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerApi]:
    with running(tmp_path_factory.mktemp("alertmanager")) as api:
        yield api


@pytest.mark.real
@pytest.mark.parametrize("name", CASES)
def test_a_cause_silences_what_follows_from_it_and_nothing_else(alertmanager: AlertmanagerApi, name: str) -> None:
    case = CASES[name]
    here, elsewhere = {ENVIRONMENT: f"here, {name}"}, {ENVIRONMENT: f"elsewhere, {name}"}
    for labels in (*case.silenced, *case.heard):
        for place in (here, elsewhere):
            alertmanager.fire(**labels, **place)

    def silent(labels: Mapping[str, str], place: Mapping[str, str]) -> bool:
        (alert,) = alertmanager.alerts(**labels, **place)
        return bool(alert["status"]["inhibitedBy"])

    assert not any(silent(labels, here) for labels in (*case.silenced, *case.heard)), "silenced by one another"
    alertmanager.fire(**case.cause, **here)
    wait_until(lambda: all(silent(labels, here) for labels in case.silenced), SILENT_S, "they are silent")
    assert [labels for labels in (*case.heard, case.cause) if silent(labels, here)] == []
    assert [labels for labels in case.silenced if silent(labels, elsewhere)] == []
