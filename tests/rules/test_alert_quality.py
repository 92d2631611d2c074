"""docs/alert-quality.md: of the bounds that are shipped, written from its figures alone, by a program that works."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from prometheus.thresholds import load, of_environment
from tests.rules.simulation import intervals
from tests.rules.simulation.__main__ import DOCS, main
from tests.rules.simulation.figures import bounds
from tests.rules.simulation.page import PICTURE, render
from tests.rules.simulation.picture import draw
from tests.rules.simulation.watched import told

LIMITS = of_environment("production")
RESULTS = DOCS / "alert-quality.json"
PAGE = DOCS / "alert-quality.md"


@pytest.fixture
def figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def test_it_was_measured_with_the_bounds_that_are_shipped(figures: dict[str, Any]) -> None:
    assert figures["bounds"] == bounds(LIMITS), "thresholds.toml was changed: run `make alert-quality`"


@pytest.mark.parametrize(
    "changed", [{"regression": {"z": 3.5}}, {"normal": {"min_history": "1d"}}, {"slo": {"target": 0.96}}]
)
def test_another_bound_is_noticed(changed: dict[str, Any], figures: dict[str, Any]) -> None:
    assert figures["bounds"] != bounds(load(changed))


def test_the_page_says_what_the_figures_say(figures: dict[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == render(figures, LIMITS), "run `make alert-quality QUALITY=--page`"


def test_there_are_as_many_weeks_as_promised(figures: dict[str, Any]) -> None:
    for scenario, by_rate in figures["alarms"].items():
        assert set(by_rate) == {"2", "10", "60"}, scenario
        assert all(one["weeks"] >= 40 for rules in by_rate.values() for one in rules.values())


def test_its_links_lead_somewhere_and_its_picture_names_every_rule(figures: dict[str, Any]) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert PICTURE in targets
    assert all((DOCS / target).exists() for target in targets), targets
    drawn = (DOCS / PICTURE).read_text(encoding="utf-8")
    assert all(f">{rule.short}</text>" in drawn for rule in told(LIMITS).values())
    assert draw(figures, LIMITS) == draw(figures, LIMITS)


def test_a_quick_run_goes_all_the_way_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"], tmp_path) == 0
    said, progress = capsys.readouterr()
    assert list(tmp_path.iterdir()) == []
    assert re.findall(r"^## (.+)$", said, re.MULTILINE) == re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE)
    assert re.search(r"^(\d+) of \1 runs, \d+ s$", progress, re.MULTILINE)


def test_the_page_is_written_anew_from_its_figures(tmp_path: Path) -> None:
    (tmp_path / RESULTS.name).write_text(RESULTS.read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["--page"], tmp_path) == 0
    assert (tmp_path / PAGE.name).read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
    assert (tmp_path / PICTURE).exists()


def test_figures_of_other_bounds_make_no_page(tmp_path: Path, figures: dict[str, Any]) -> None:
    figures["bounds"]["regression"]["z"] = 99.0
    (tmp_path / RESULTS.name).write_text(json.dumps(figures), encoding="utf-8")
    assert main(["--page"], tmp_path) == 1
    assert not (tmp_path / PAGE.name).exists()


@pytest.mark.parametrize(
    ("events", "weeks", "low", "high"), [(0, 1, 0.0, 3.689), (1, 1, 0.0253, 5.572), (10, 2, 2.398, 9.195)]
)
def test_an_interval_of_a_rate_is_the_exact_one(events: int, weeks: int, low: float, high: float) -> None:
    assert intervals.rate(events, weeks) == pytest.approx((low, high), abs=0.001)


@pytest.mark.parametrize(("number", "low", "high"), [(1, 0, 0), (5, 0, 4), (10, 1, 8), (50, 17, 32)])
def test_an_interval_of_a_median_lies_between_two_of_its_values(number: int, low: int, high: int) -> None:
    """Ranks as in tables of the binomial distribution."""
    assert intervals.median([float(value) for value in range(number)]) == (low, high)
