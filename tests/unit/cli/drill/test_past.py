"""How much past a rule has, read from the rules as they are shipped."""

from collections.abc import Iterator

import pytest
import yaml

from ops.stack.site import ROOT
from prometheus.thresholds import of_environment
from service.cli.drill.past import Past, pace, pasts
from service.cli.drill.prometheus import Prometheus
from service.cli.wording import span_s
from tests.fakes.drill_parts import FakeAlert, Watchers, watching

RULES = ROOT / "prometheus" / "rules" / "development"
LIMITS = of_environment("development")


def query(name: str) -> str:
    """Of a shipped rule."""
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == name:
                    return str(rule["expr"])
    raise AssertionError(name)


@pytest.fixture
def watchers() -> Iterator[Watchers]:
    with watching(FakeAlert("RagX", {})) as running:
        yield running


@pytest.mark.parametrize(("name", "windows"), [("RagModelLatencyRegression", 2), ("RagCacheHitRatioDrop", 1)])
def test_every_value_that_a_shipped_rule_compares_is_found(watchers: Watchers, name: str, windows: int) -> None:
    watchers.prometheus.values = {":points_": 12.0, ":median_": 2.0, ":spread_": 0.1}
    found = pasts(Prometheus(watchers.prometheus.url), query(name), {"a": "b"})
    assert found == [Past(12.0, LIMITS.normal.min_points, 2.0, 0.1)] * windows


def test_what_is_not_there_is_no_past(watchers: Watchers) -> None:
    (past, _) = pasts(Prometheus(watchers.prometheus.url), query("RagModelLatencyRegression"), {})
    assert past.points == 0
    assert not past.is_enough(lambda median: median + 1)
    assert str(past).startswith(f"0 of {LIMITS.normal.min_points} points")


def test_a_rule_that_compares_with_nothing_has_none(watchers: Watchers) -> None:
    assert pasts(Prometheus(watchers.prometheus.url), query("RagOllamaDown"), {}) == []
    assert pace(query("RagOllamaDown")) == (0.0, 0)


def test_an_uneven_past_is_not_enough() -> None:
    even, uneven = Past(12, 12, 2.0, 0.1), Past(12, 12, 2.0, 1.0)
    assert even.is_enough(lambda median: 2 * median)
    assert not uneven.is_enough(lambda median: 2 * median)
    assert "too uneven" in str(uneven)


def test_the_pace_is_that_of_the_longest_window() -> None:
    longest = max(span_s(window) for window in LIMITS.regression.windows)
    assert pace(query("RagModelLatencyRegression")) == (longest, LIMITS.regression.min_answers)


def test_spans_are_read_as_prometheus_writes_them() -> None:
    assert [span_s(text) for text in ("90s", "5m", "1h", "7d")] == [90, 300, 3600, 604800]
