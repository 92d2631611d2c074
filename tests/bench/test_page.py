"""The table says what was reached and what was not, and the page and the JSON agree."""

import json
from typing import Any

from tests.bench.figures import Row, at_least, at_most
from tests.bench.page import bar_text, render, results_object, verdict

ROWS = [
    Row("One", "share of the rate", 61.234567, "%", at_least(60), "best 70 %"),
    Row("One", "delay", 7.5, "ms", at_most(5)),
    Row("One", "rate", 1234.0, "per s"),
    Row("Two", "beside another", None, "x", at_least(3), "it is not installed here"),
]
METHODS = {"One": "How one is measured.", "Two": "How two is."}
MACHINE: dict[str, Any] = {"cores": 2, "python": "3.11.7", "architecture": "any"}


def test_the_verdict_is_honest() -> None:
    assert [verdict(row) for row in ROWS] == ["yes", "**no**", "", "not measured"]


def test_bars_are_written_with_their_unit() -> None:
    assert bar_text(at_least(60), "%") == ">= 60 %"
    assert bar_text(at_most(3000), "") == "<= 3,000"
    assert bar_text(at_most(1 / 3), "x") == "<= 0.333 x"
    assert bar_text(None, "ms") == ""


def test_every_bar_is_counted_and_every_group_has_its_method_and_rows() -> None:
    page = render(ROWS, METHODS, MACHINE)
    assert "1 of 3 bars reached." in page
    overview, one = page.split("## One")
    assert "rate | 1,234 per s" not in overview
    assert METHODS["One"] in one and "| rate | 1,234 per s |  |  |  |" in one
    assert "| beside another | - | >= 3 x | not measured | it is not installed here |" in overview


def test_the_json_holds_every_figure_and_the_same_verdicts() -> None:
    results = json.loads(json.dumps(results_object(ROWS, METHODS, MACHINE)))
    figures = [figure for group in results["groups"] for figure in group["figures"]]
    assert [(figure["what"], figure["value"], figure["reached"]) for figure in figures] == [
        ("share of the rate", 61.23, True),
        ("delay", 7.5, False),
        ("rate", 1234.0, None),
        ("beside another", None, None),
    ]
    assert results["machine"] == MACHINE
    assert [group["method"] for group in results["groups"]] == list(METHODS.values())
