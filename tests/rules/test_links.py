"""Every alert leads somewhere: to its page of the runbook, to a dashboard, to spans; and every name in it exists."""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml

from ops.stack.site import ROOT
from prometheus.__main__ import ENVIRONMENTS, RUNBOOK
from service.telemetry.catalogue import ASK_DURATION
from tests.dashboards import boards, traceql
from tests.dashboards.lint import misused, span_fields
from tests.dashboards.names import exposed
from tests.dashboards.promql import uses
from tests.rules.collected import below, cases, changed, every, fired, labels, mutations, rules

ALERTS = sorted(every("alert"))
EACH = [(environment, alert) for environment in ENVIRONMENTS for alert in sorted(every("alert", environment))]
BOARDS = {board.name: board for board in boards.read()}
EXPOSED = exposed()
# An alert's name is the heading of its page.
_HEADING = re.compile(r"^#{1,6} +([A-Z][A-Za-z]+) *$", re.MULTILINE)
_LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_FILLED = re.compile(r"var-([\w-]+)=([^&]*)")
_LOOKED_UP = re.compile(r'\{\{ with (?:printf )?("(?:[^"\\]|\\.)*")[^}]*\| query \}\}')
each_alert = pytest.mark.parametrize(("environment", "alert"), EACH)


def _annotations(environment: str, alert: str) -> dict[str, str]:
    return dict(every("alert", environment)[alert]["annotations"])


def test_both_environments_have_the_same_alerts() -> None:
    assert sorted(every("alert", "development")) == ALERTS


@each_alert
def test_it_says_how_urgent_it_is_and_what_it_means(environment: str, alert: str) -> None:
    rule = every("alert", environment)[alert]
    assert rule["labels"]["severity"] in ("page", "ticket", "info", "none")
    for name in ("summary", "description", "runbook_url", "dashboard_url"):
        assert rule["annotations"].get(name, "").strip(), name


@each_alert
def test_its_page_of_the_runbook_is_there(environment: str, alert: str) -> None:
    assert _annotations(environment, alert)["runbook_url"] == f"{{{{ $externalLabels.runbook }}}}#{alert.lower()}"
    assert alert in _HEADING.findall(RUNBOOK.read_text(encoding="utf-8"))


def test_every_page_of_the_runbook_is_of_an_alert() -> None:
    """A heading of several words, or of a single common one, is not of an alert."""
    named = {heading for heading in _HEADING.findall(RUNBOOK.read_text(encoding="utf-8")) if _is_name(heading)}
    assert named - set(ALERTS) == set()


@each_alert
def test_its_dashboard_is_there_with_the_variables(environment: str, alert: str) -> None:
    url = _annotations(environment, alert)["dashboard_url"]
    match = re.fullmatch(r"\{\{ \$externalLabels\.grafana \}\}/d/([\w-]+)\?from=now-6h&to=now(.*)", url)
    assert match, url
    assert match[1] in BOARDS
    filled = dict(_FILLED.findall(match[2]))
    assert "".join(f"&var-{name}={value}" for name, value in filled.items()) == match[2]
    assert set(filled) <= set(BOARDS[match[1]].variables)
    for name, value in filled.items():
        given = re.fullmatch(r"\{\{ \$labels\.(\w+) \| urlquery \}\}", value)
        assert given, f"{name} is {value}"
        assert given[1] in labels(alert), f"{name} is filled from {given[1]}"


@each_alert
def test_every_label_in_its_texts_is_one_of_its_own(environment: str, alert: str) -> None:
    said = " ".join(_annotations(environment, alert).values())
    assert set(re.findall(r"\$labels\.(\w+)", said)) - labels(alert) == set()
    assert set(re.findall(r"\$externalLabels\.(\w+)", said)) <= set(_external_labels())


@each_alert
def test_its_spans_can_be_searched_for(environment: str, alert: str) -> None:
    query = _annotations(environment, alert).get("trace_query")
    if query is None:
        return
    named = traceql.fields(_LABEL.sub("gpt-oss:20b", query))
    scoped = {name.partition(".")[2] for name in named if name.startswith(("span.", "resource."))}
    assert scoped - span_fields() == set()
    assert "resource.deployment.environment.name" in named


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_name_in_a_rule_exists(environment: str) -> None:
    assert [fault for name, text in _expressions(environment) for fault in _faults(name, text)] == []


def test_a_name_that_does_not_exist_is_seen() -> None:
    for wrong in (
        "sum(rate(rag_asks_total[5m]))",
        'sum(rate(rag_ask_duration_seconds_bucket{le="10.0"}[5m]))',
        'sum by (le) (rate(rag_ask_duration_seconds_bucket{le=~"10|5[.]12"}[5m]))',
        'environment_model_le:rag_ask_duration_seconds:over_1h{le="10.25"}',
        "sum by (modell) (rate(rag_ask_duration_seconds_count[5m]))",
        "increase(rag_admission_capacity[5m])",
        "rag_ask_duration_seconds_count > 5",
        'sum(rate(rag_ask_duration_seconds_count{outcome="eror"}[5m]))',
        "sum(rate(",
    ):
        assert list(_faults("wrong", wrong)), wrong


def test_every_alert_fires_in_a_case() -> None:
    assert set(ALERTS) - set(fired()) == set()


def test_every_recorded_value_is_part_of_a_case_in_which_something_fires() -> None:
    """A case evaluates what its files record; what only texts or dashboards read is looked at by itself."""
    looked_at = {recorded.expr for case in cases() for recorded in case.recorded if recorded.values}
    covered = {use.metric for expr in looked_at for use in uses(promql_parser.parse(expr))}
    for alert, where in fired().items():
        for files in {tuple(case.files) for case, _ in where}:
            covered |= below(alert) & {rule.get("record") for file in files for rule in rules()[file]}
    assert set(every("record")) - covered == set()


def test_every_alert_is_broken_in_some_way() -> None:
    broken = frozenset().union(*(changed(mutation) for mutation in mutations()))
    assert {alert for alert in ALERTS if not (below(alert) | {alert}) & broken} == set()


def _external_labels() -> dict[str, Any]:
    text = (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["global"]["external_labels"])


def _is_name(heading: str) -> bool:
    """Made of words without spaces between, or an alert's own single word."""
    return heading in ALERTS or bool(re.search(r"[a-z][A-Z]", heading))


def _expressions(environment: str) -> Iterator[tuple[str, str]]:
    """Every expression of every rule, and what its texts look up."""
    for found in rules(environment).values():
        for rule in found:
            name = str(rule.get("alert") or rule.get("record"))
            yield name, rule["expr"]
            for text in rule.get("annotations", {}).values():
                for query in _LOOKED_UP.findall(text):
                    yield f"{name}, in its texts", re.sub(r"%(?:\[\d+\])?q", '"x"', json.loads(query))


def _faults(name: str, text: str) -> Iterator[str]:
    try:
        expression = promql_parser.parse(text)
    except ValueError as error:
        yield f"{name}: {error}"
        return
    yield from (f"{name}: {fault}" for fault in misused(expression))
    for use in uses(expression):
        known = EXPOSED.get(use.metric)
        bounds = known.bounds if known else {repr(float(bound)) for bound in ASK_DURATION.buckets}
        for label, sign, value in use.matchers:
            if label == "le" and sign != "!=":
                wrong = {word.replace("[.]", ".") for word in value.split("|")} - bounds - {"+Inf"}
                yield from (f"{name}: {use.metric} has no bucket {bound}" for bound in sorted(wrong))
