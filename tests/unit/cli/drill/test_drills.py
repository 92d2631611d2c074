"""The table of drills against the rules as they are shipped."""

import pytest
import yaml

from ops.stack.site import ROOT
from service.cli.drill.alertmanager import Alertmanager
from service.cli.drill.drills import DRILLS, Asks, Drill
from service.cli.drill.links import MODEL
from service.cli.drill.parts import Parts
from service.cli.drill.prometheus import Prometheus
from service.cli.drill.scene import Scene
from tests.fakes.drill_machine import FakeMachine
from tests.fakes.drill_parts import FakeDrillService

RULES = {
    rule["alert"]: rule
    for file in (ROOT / "prometheus" / "rules" / "development").glob("*.yml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
EVERY = pytest.mark.parametrize("drill", DRILLS.values(), ids=lambda drill: drill.name)


def scene() -> Scene:
    service = FakeDrillService()
    parts = Parts(service.url, FakeMachine(), lambda seconds: None)  # type: ignore[arg-type]
    made = Scene(service, Prometheus(""), Alertmanager(""), parts, lambda seconds: None, model="small:1b")  # type: ignore[arg-type]
    made.enter()
    return made


def test_every_drill_that_was_promised_is_there() -> None:
    assert set(DRILLS) == {
        "slow-model", "cold-model", "model-missing", "ollama-down", "chroma-down", "collector-down",
        "cache-flushed", "queue-full", "poisoned",
    }  # fmt: skip


@EVERY
def test_its_alert_is_a_shipped_rule_that_keeps_the_labels_that_are_expected(drill: Drill) -> None:
    rule = RULES[drill.alert]
    for name in drill.expected(scene()):
        assert name in rule["expr"] or name in rule["labels"]
    assert (MODEL in drill.expected(scene())) == drill.names_model


@EVERY
def test_traces_and_models_are_looked_for_where_the_rule_has_them(drill: Drill) -> None:
    annotations = RULES[drill.alert]["annotations"]
    assert drill.traced == ("trace_query" in annotations)
    assert drill.names_model == (f"$labels.{MODEL} " in annotations["summary"] + " ")


@EVERY
def test_what_compares_with_the_past_asks_until_there_is_one(drill: Drill) -> None:
    compares = ":points_" in RULES[drill.alert]["expr"]
    assert (drill.usual is not None) == compares
    if drill.usual is not None:
        assert drill.asks is not Asks.NOTHING
        assert drill.usual(1.0) != 1.0


def test_a_drill_without_a_condition_is_possible_everywhere() -> None:
    DRILLS["queue-full"].possible(scene().parts)
