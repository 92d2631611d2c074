"""PromQL of panels: Grafana's variables put in, parsed, and what it says about metrics."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import promql_parser as p

from dashboards.picture.variables import Variables

# As Grafana would, for a dashboard of six hours and a scrape interval of 15 s.
MACROS = {"__rate_interval": "1m", "__interval": "15s", "__range": "6h"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


@dataclass(frozen=True)
class Use:
    """One metric in an expression: its matchers as (label, operator, value), and the function around it, if any."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    function: str


def filled(expression: str, values: Mapping[str, str]) -> str:
    """With macros and variables put in. Raises `KeyError` for a variable without a value."""
    return Variables({name: [value] for name, value in values.items()}).query(expression, MACROS)


def variables_in(text: str) -> set[str]:
    """Names of the variables that a text uses, Grafana's own left out."""
    names = {match[1] or match[2] for match in _VARIABLE.finditer(text)}
    return {name for name in names if not name.startswith("__")}


def uses(expression: p.Expr, function: str = "") -> Iterator[Use]:
    """Every metric that a parsed expression looks at."""
    match expression:
        case p.VectorSelector():
            yield from _used(expression, function)
        case p.MatrixSelector():
            yield from _used(expression.vector_selector, function)
        case p.Call():
            for argument in expression.args:
                yield from uses(argument, expression.func.name)
        case p.SubqueryExpr():
            # The function around it runs over what it makes, not over the metrics inside.
            yield from uses(expression.expr, "")
        case p.ParenExpr() | p.UnaryExpr():
            yield from uses(expression.expr, function)
        case p.AggregateExpr():
            yield from uses(expression.expr, "")
        case p.BinaryExpr():
            yield from uses(expression.lhs, "")
            yield from uses(expression.rhs, "")


def groupings(expression: p.Expr) -> Iterator[tuple[tuple[str, ...], frozenset[str]]]:
    """Labels of every `by`, `on` and `group_left`, with the metrics below it."""
    below = frozenset(use.metric for use in uses(expression))
    match expression:
        case p.AggregateExpr():
            if expression.modifier is not None and "By" in str(expression.modifier.type):
                yield tuple(expression.modifier.labels), below
            yield from groupings(expression.expr)
        case p.BinaryExpr():
            modifier = expression.modifier
            if modifier is not None and modifier.matching is not None:
                yield tuple(modifier.matching.labels), below
            yield from groupings(expression.lhs)
            yield from groupings(expression.rhs)
        case p.Call():
            for argument in expression.args:
                yield from groupings(argument)
        case p.ParenExpr() | p.UnaryExpr() | p.SubqueryExpr():
            yield from groupings(expression.expr)


def quantiles_without_le(expression: p.Expr) -> Iterator[str]:
    """Every `histogram_quantile` whose sum drops the bounds."""
    match expression:
        case p.Call():
            if expression.func.name == "histogram_quantile":
                inner = expression.args[1]
                labels = inner.modifier.labels if isinstance(inner, p.AggregateExpr) and inner.modifier else []
                if isinstance(inner, p.AggregateExpr) and "le" not in labels:
                    yield str(expression)
            for argument in expression.args:
                yield from quantiles_without_le(argument)
        case p.AggregateExpr() | p.ParenExpr() | p.UnaryExpr() | p.SubqueryExpr():
            yield from quantiles_without_le(expression.expr)
        case p.BinaryExpr():
            yield from quantiles_without_le(expression.lhs)
            yield from quantiles_without_le(expression.rhs)


def _used(selector: p.VectorSelector, function: str) -> Iterator[Use]:
    """One metric, or those that a pattern of names lists."""
    signs = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
    matchers = tuple((one.name, signs[str(one.op)], one.value) for one in selector.matchers.matchers)
    listed = next((value for name, sign, value in matchers if (name, sign) == ("__name__", "=~")), "")
    others = tuple(one for one in matchers if one[0] != "__name__")
    for name in listed.split("|") if listed else [selector.name or ""]:
        yield Use(name, others, function)
