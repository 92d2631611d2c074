"""Burn rates: both windows of a pair must burn, there must be answers enough, slow and failed ones share the budget,
tiers have bounds of their own.
"""

import pytest

from prometheus.__main__ import render
from prometheus.thresholds import of_environment
from tests.rules.case import PRODUCTION, Case, Firing, Outcome, run_each, run_files
from tests.rules.objectives_cases import FILE, KINDS, PAGE, PAGES, SLOW, TICKET, TICKETS, answered

LIMITS = of_environment("production")
ALL = (*PAGES.values(), *KINDS.values(), *TICKETS.values())


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return run_each(ALL, render(LIMITS))


@pytest.mark.parametrize("name", [case.name for case in ALL])
def test_fires_when_and_where_it_should(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].passed, outcomes[name].said


def test_it_says_how_much_of_how_many_and_what_the_budget_is() -> None:
    series = answered((65, {SLOW: 10}), tier="complex")
    labels = {**PRODUCTION, "tier": "complex", "window": "1h"}
    texts = {
        "summary": "100% of the complex answers of the last 1h are slow or failed",
        "description": "Of 140 answers of the last 1h 100% failed or took longer than the tier's bound (simple 5.12 s, "
        "medium 10.24 s, complex 29 s, research 58 s), and over 5m 100%. The budget is 0.05 of 30d; it fires when both "
        "use it 14.4 times as fast.",
        "runbook_url": "runbook.md#raglatencybudgetburnpage",
        "dashboard_url": "http://grafana/d/overview?from=now-6h&to=now&var-environment=production",
        "trace_query": '{ resource.service.name = "emini-rag" && resource.deployment.environment.name = "production" '
        '&& name = "invoke_workflow ask" && span.rag.tier = "complex" && (duration > 5.12s || '
        'span.rag.outcome =~ "error|rejected") }',
    }
    # The second pair would fire here too, with numbers of its own: the history is short. It waits for 15 minutes.
    case = Case("texts", [FILE], series, [Firing("14m", PAGE, [labels], "page", texts)])
    outcome = run_files([case], render(LIMITS))
    assert outcome.passed, outcome.said


def test_the_pace_of_minutes() -> None:
    """In a development instance a page and a ticket come within minutes; a sample every 15 seconds."""
    series = answered((40, {SLOW: 2}))
    labels = {**PRODUCTION, "tier": "simple"}
    expected = [
        Firing("1m", PAGE),
        Firing("5m", PAGE, [{**labels, "window": window} for window in ("5m", "10m")], "page"),
        Firing("9m", TICKET, [{**labels, "window": window} for window in ("20m", "40m")]),
    ]
    case = Case("the pace of minutes", [FILE], series, expected, interval="15s", evaluated="15s")
    outcome = run_files([case], render(of_environment("development")))
    assert outcome.passed, outcome.said
