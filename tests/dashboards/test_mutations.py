"""The rules bite: each mutation of a real dashboard is caught, and by the rule that it is meant for."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboards.boards import Board, read
from tests.dashboards.lint import faults

Change = Callable[[dict[str, Any]], None]
BOARDS = read()
OVERVIEW = next(board for board in BOARDS if board.name == "overview")


def replaced(old: str, new: str) -> Change:
    """Every `old` in the file becomes `new`."""

    def change(raw: dict[str, Any]) -> None:
        text = json.dumps(raw)
        assert old in text, f"nothing to mutate: {old}"
        raw.update(json.loads(text.replace(old, new)))

    return change


def first(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(panel for panel in raw["panels"] if panel["type"] == kind)


def panel_without(kind: str, *path: str) -> Change:
    """A setting of the first panel of a kind is gone."""

    def change(raw: dict[str, Any]) -> None:
        inner = first(raw, kind)
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]

    return change


def panel_with(kind: str, value: object, *path: str) -> Change:
    """A setting of the first panel of a kind is another."""

    def change(raw: dict[str, Any]) -> None:
        inner = first(raw, kind)
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value

    return change


def overlapping(raw: dict[str, Any]) -> None:
    panels = [panel for panel in raw["panels"] if panel["type"] != "row"]
    panels[1]["gridPos"] = panels[0]["gridPos"]


def same_title(raw: dict[str, Any]) -> None:
    panels = [panel for panel in raw["panels"] if panel["type"] != "row"]
    panels[1]["title"] = panels[0]["title"]


def another_id(raw: dict[str, Any]) -> None:
    raw["panels"][1]["id"] = 99


def empty_variable(raw: dict[str, Any]) -> None:
    raw["templating"]["list"][0]["current"] = {}


MUTATIONS: dict[str, tuple[str, Change]] = {
    "a renamed metric": ("metrics", replaced("rag_ask_duration_seconds_bucket", "rag_ask_latency_seconds_bucket")),
    "a label that is not there": ("metrics", replaced("outcome=", "result=")),
    "a value that never comes": ("metrics", replaced("error|rejected", "failure|rejected")),
    "a bucket that does not exist": (
        "metrics",
        replaced('le=\\\\\\"5.12\\\\\\"'.replace("\\\\\\", "\\"), 'le=\\"5.0\\"'),
    ),
    "a counter as it is": (
        "metrics",
        replaced("rate(rag_ask_duration_seconds_count{", "avg_over_time(rag_ask_duration_seconds_count{"),
    ),
    "bounds summed away": ("metrics", replaced("sum by (le, gen_ai_request_model)", "sum by (gen_ai_request_model)")),
    "a query that is none": ("queries", replaced("histogram_quantile(0.95,", "histogram_quantile(0.95")),
    "a fixed data source": ("sources", replaced("${datasource}", "prometheus")),
    "an unknown variable": ("variables", replaced("$environment", "$env")),
    "an empty variable": ("variables", empty_variable),
    "another uid": ("identity", replaced('"uid": "overview"', '"uid": "home"')),
    "an id out of order": ("identity", another_id),
    "a title twice": ("identity", same_title),
    "one panel over another": ("places", overlapping),
    "a panel beyond the edge": ("places", panel_with("timeseries", 20, "gridPos", "x")),
    "no unit": ("units", panel_without("timeseries", "fieldConfig", "defaults", "unit")),
    "no zero": ("units", panel_without("stat", "fieldConfig", "defaults", "min")),
    "no description": ("explained", panel_without("timeseries", "description")),
    "silent when empty": ("empty", panel_without("stat", "fieldConfig", "defaults", "noValue")),
    "a number when empty": ("empty", panel_with("stat", "0", "fieldConfig", "defaults", "noValue")),
    "no legend": ("legends", panel_with("timeseries", False, "options", "legend", "showLegend")),
    "a cumulative heatmap": ("kinds", replaced('"format": "heatmap"', '"format": "time_series"')),
    "stacked by accident": (
        "kinds",
        panel_with("timeseries", {"mode": "normal"}, "fieldConfig", "defaults", "custom", "stacking"),
    ),
    "a way to no request": ("reach", replaced("/d/slow", "/d/cache")),
    "a trace in the menu": ("menu", panel_with("timeseries", "traces", "type")),
    "a cell that says what the table says": ("cells", replaced('"noValue", "value": "-"', '"decimals", "value": 1')),
    "a link to nowhere": ("links", replaced("/d/model", "/d/models")),
    "a variable that the target has not": ("links", replaced("var-model", "var-llm")),
}


def caught(board: Board) -> set[str]:
    """Names of the rules that are broken."""
    return {fault.partition(":")[0] for fault in faults(board, BOARDS)}


@pytest.mark.parametrize("name", MUTATIONS)
def test_is_caught(name: str) -> None:
    rule, change = MUTATIONS[name]
    raw = copy.deepcopy(OVERVIEW.raw)
    change(raw)
    assert rule in caught(Board("overview", raw))


def test_without_a_mutation_nothing_is_caught() -> None:
    assert caught(OVERVIEW) == set()
