"""Every named query is PromQL, alone and with what its callers may give it."""

import inspect

import promql_parser
import pytest

from dashboards import queries
from prometheus.thresholds import load
from service.telemetry.catalogue import ASK_DURATION, MODEL_LABEL, OLLAMA_VRAM
from tests.dashboards.promql import filled

VALUES = {"environment": "production", "model": ".*", "cache": "miss"}
LIMITS = load()
GIVEN = {
    "metric": ASK_DURATION,
    "selector": queries.MODELS,
    "window": "5m",
    "limits": LIMITS,
    "share": 0.95,
    "part": "sum(up)",
    "whole": "count(up)",
    "bound_s": 5.12,
    "outcome": "error",
    "cache": "answer",
    "name": "up",
    "by": ("phase",),
    "calls": "sum(up)",
}
FUNCTIONS = {
    name: function
    for name, function in vars(queries).items()
    if inspect.isfunction(function) and function.__module__ == queries.__name__ and not name.startswith("_")
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_can_be_parsed(name: str) -> None:
    function = FUNCTIONS[name]
    needed = {
        one.name: GIVEN[one.name]
        for one in inspect.signature(function).parameters.values()
        if one.default is inspect.Parameter.empty
    }
    if name == "gauge":
        needed["metric"] = OLLAMA_VRAM
    promql_parser.parse(filled(function(**needed), VALUES))


def test_a_quantile_is_hidden_where_there_are_few_answers() -> None:
    query = queries.quantile(0.95, ASK_DURATION, queries.MODELS, LIMITS, (MODEL_LABEL,))
    assert f">= {LIMITS.quantiles.min_answers}" in query
    assert f"and on ({MODEL_LABEL})" in query


def test_bounds_are_written_as_they_are_exposed() -> None:
    assert 'le="29.0"' in queries.slower_than(29)


def test_a_line_of_a_quantile_falls_back_to_a_longer_window_with_the_same_guard() -> None:
    query = queries.quantile_line(0.95, ASK_DURATION, queries.MODELS, LIMITS, (MODEL_LABEL,))
    short, _, long = query.partition(" or histogram_quantile")
    assert ("[5m]" in short, "[30m]" in long) == (True, True)
    assert short.count(f">= {LIMITS.quantiles.min_answers}") == long.count(f">= {LIMITS.quantiles.min_answers}") == 1


def test_a_column_of_a_quantile_stays_without_a_value() -> None:
    query = queries.quantile_or_nan(0.95, ASK_DURATION, queries.MODELS, LIMITS, (MODEL_LABEL,), "30m")
    assert f"or on ({MODEL_LABEL}) (NaN * " in query


def test_shares_beyond_the_bound_ask_each_tier_its_own() -> None:
    query = queries.over_bound(LIMITS)
    for tier, bound in LIMITS.slo.bound_s.items():
        assert f'tier="{tier}",le="{float(bound)}"' in query


def test_how_long_an_alert_fires_does_not_depend_on_its_labels() -> None:
    assert "* ignoring (alertstate) (" in queries.firing_since()
