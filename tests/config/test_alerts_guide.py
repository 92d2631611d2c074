"""docs/alerts.md: its table is what the rules say, and its numbers are those of the bounds."""

import re

import pytest

from prometheus import guide
from prometheus.__main__ import GUIDE, guide_text
from prometheus.rule import Alert, Group, Recording
from prometheus.thresholds import of_environment
from tests.config.shipped_rules import rules

RUNBOOK = """# Runbook

## One

It is so. More.

## Other

It is **that** way, `x.y` too. `z`: more.
"""


def _alert(name: str, severity: str, for_: str = "") -> Alert:
    return Alert(name, "up", severity, "", "", for_)


def test_the_table_is_up_to_date() -> None:
    assert GUIDE.read_text(encoding="utf-8") == guide_text(), "run `make rules`"


def test_every_rule_that_is_shipped_has_its_row() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\(\S+\) \| (\w+) \| (.+?) \| (.+?) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    expected = {}
    for number, environment in enumerate(("production", "development"), 2):
        for rule in rules(environment):
            if "alert" in rule:
                row = expected.setdefault(rule["alert"], [rule["alert"], rule["labels"]["severity"], [], []])
                row[number].append(rule.get("for", "at once"))
    assert sorted(rows) == sorted(
        (name, severity, ", ".join(one), ", ".join(other)) for name, severity, one, other in expected.values()
    )
    assert len(rows) > 30


def test_the_numbers_in_its_sentences_are_those_of_the_bounds() -> None:
    said = " ".join(GUIDE.read_text(encoding="utf-8").split())
    limits = of_environment("production")
    bounds, normal = limits.regression, limits.normal
    for words in (
        f"over the last {' and '.join(bounds.windows)}",
        f"each of {len(bounds.bounds_s)} bounds",
        f"median of the last {normal.baseline}",
        f"more than {bounds.z:g} spreads above, or the share alone more than {bounds.z_alone:g}",
        f"more than {bounds.factor:g} times the usual one",
        f"at least {bounds.min_answers} answers and {normal.min_history} of past",
    ):
        assert words in said


def test_the_gravest_come_first_and_then_the_order_of_the_runbook() -> None:
    found = {"here": [_alert("One", "ticket", "5m"), _alert("Other", "page"), _alert("Other", "page", "1h")]}
    *_, first, second = guide.table(found, RUNBOOK).splitlines()
    assert first == "| [Other](../prometheus/runbook.md#other) | page | at once, 1h | It is **that** way, `x.y` too. |"
    assert second == "| [One](../prometheus/runbook.md#one) | ticket | 5m | It is so. |"
    same = {"here": [_alert("Other", "page"), _alert("One", "page")]}
    assert [row.split("]")[0] for row in guide.table(same, RUNBOOK).splitlines()[2:]] == ["| [One", "| [Other"]


def test_an_alert_without_a_page_is_refused() -> None:
    with pytest.raises(guide.Incomplete, match="no page for Missing"):
        guide.table({"here": [_alert("Missing", "page")]}, RUNBOOK)


@pytest.mark.parametrize("text", ["", guide.BEGIN, guide.END, f"{guide.END}\n{guide.BEGIN}"])
def test_a_guide_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(guide.Incomplete, match="marks"):
        guide.filled(text, "| table |")


def test_what_stands_around_the_table_stays() -> None:
    text = f"before\n{guide.BEGIN}\nold\n{guide.END}\nafter"
    made = guide.filled(text, "| new |")
    assert made == f"before\n{guide.BEGIN}\n\n| new |\n\n{guide.END}\nafter"
    assert guide.filled(made, "| new |") == made


def test_recorded_values_are_no_alerts() -> None:
    one = _alert("One", "page")
    assert guide.alerts([Group("a", [Recording("x:y:z", "up"), one]), Group("b", [])]) == [one]
