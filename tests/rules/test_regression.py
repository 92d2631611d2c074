"""`RagModelLatencyRegression`: silent on noise, in time and with the right name on what is slow, quiet where its guards
say so. The same over weeks, with baselines that Prometheus computes: `python -m tests.rules.full`.
"""

import pytest

from prometheus.__main__ import render
from prometheus.thresholds import of_environment
from tests.rules.case import PRODUCTION, Case, Firing, Outcome, named, run_each, run_files
from tests.rules.drawn import Change
from tests.rules.mutation import Mutation, survivors
from tests.rules.regression_cases import (
    ALERT,
    FACTORS,
    FILE,
    FOUND,
    GUARDS,
    LARGE,
    LIMITS,
    NOISE,
    OWN_FACTOR,
    fires,
    silent,
    slower,
)
from tests.rules.traffic import Load, scraped
from tests.rules.usual import Usual

ALL = (*NOISE, *FOUND, *GUARDS.values())


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    return run_each(ALL, render(LIMITS))


@pytest.mark.parametrize("name", [case.name for case in ALL])
def test_fires_when_and_where_it_should(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].passed, outcomes[name].said


@pytest.mark.parametrize("case", FACTORS, ids=lambda case: case.name)
def test_a_model_may_have_a_factor_of_its_own(case: Case) -> None:
    outcome = run_files([case], render(OWN_FACTOR))
    assert outcome.passed, outcome.said


def test_a_lost_factor_is_noticed() -> None:
    rules = render(OWN_FACTOR)
    lost = (
        Mutation("it has the others'", FILE, "> 1.6", "> 1.2", FACTORS[:1]),
        Mutation("it is never reached", FILE, "> 1.6", "> 16", FACTORS[1:]),
        Mutation("the others' is for it too", FILE, '!~"gpt-oss:20b"', '=~".+"', FACTORS[:1]),
        Mutation("the others have none", FILE, '!~"gpt-oss:20b"', '="gpt-oss:20b"', FACTORS[:1]),
    )
    assert survivors(lost, rules) == []


def test_it_says_which_model_by_how_much_of_how_many_and_what_is_usual() -> None:
    """Ten answers of 4 s a minute, 2.394 s being usual: every number of the text can be said beforehand."""
    labels = {**Load(LARGE).named(), "instance": "rag:8001"}
    name = "rag_ask_duration_seconds"
    series = {named(f"{name}_sum", **labels): "0+40x120", named(f"{name}_count", **labels): "0+10x120"}
    for bound in LIMITS.regression.bounds_s:
        step = 10 if bound >= 4 else 0
        series[named(f"{name}_bucket", **labels, le=repr(float(bound)))] = f"0+{step}x120"
    usual = Usual(Load(LARGE, 10), mean_spread=0.05, over={2.56: 0.3}, over_spread=0.1)
    texts = {
        "summary": "gpt-oss:20b takes 1.671 times its usual time",
        "description": "Answers that a loaded model made: over 40m a mean of 4s (n = 400, usual within 7d 2.394s), "
        "13.41 spreads above usual, and the share beyond a bucket 6.975; over 6h a mean of 4s (n = 1.2k, usual within "
        "7d 2.394s), 7.743 spreads above usual, and the share beyond a bucket 6.992. It fires when over a window both "
        "are above 3.4 spreads, or the share above 4.25, and the mean is more than 1.3 times its usual.",
        "runbook_url": "runbook.md#ragmodellatencyregression",
        "dashboard_url": "http://grafana/d/model?from=now-6h&to=now&var-environment=production&var-model=gpt-oss%3A20b",
        "trace_query": '{ resource.service.name = "emini-rag" && resource.deployment.environment.name = "production" '
        '&& name = "invoke_workflow ask" && span.gen_ai.request.model = "gpt-oss:20b" && duration > 10.24s }',
    }
    exact = {**PRODUCTION, "gen_ai_request_model": LARGE}
    expected = [Firing("120m", ALERT, [exact], annotations=texts)]
    case = Case("texts", [FILE], {**series, **usual.series(LIMITS, 120)}, expected, evaluated="5m")
    outcome = run_files([case], render(LIMITS))
    assert outcome.passed, outcome.said


def test_the_pace_of_minutes_from_the_first_answer_to_the_alert() -> None:
    """A development instance learns what is usual, and notices, within minutes: nothing is put in as given. A sample
    every 15 seconds: what `drawn` calls a minute is that long here."""
    minute = 4
    calm, slow = Load("llama3.2:3b", 10), slower(Change("x3", 3.0), since=8 * minute)
    expected = [
        *silent(4, 8),
        *fires(11, 13),
    ]
    series = scraped([calm, slow], 13 * minute, seed=1).text()
    case = Case("the pace of minutes", [FILE, "baselines.yml"], series, expected, interval="15s", evaluated="15s")
    outcome = run_files([case], render(of_environment("development")))
    assert outcome.passed, outcome.said
