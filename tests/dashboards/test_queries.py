"""Every named query is PromQL, alone and with what its callers may give it."""

import inspect

import promql_parser
import pytest

from dashboards import queries
from dashboards.thresholds import load
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
    assert f">= {LIMITS.min_answers}" in query
    assert f"and on ({MODEL_LABEL})" in query


def test_bounds_are_written_as_they_are_exposed() -> None:
    assert 'le="29.0"' in queries.slower_than(29)
