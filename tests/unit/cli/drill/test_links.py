"""What is looked at of an alert."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from service.cli.drill.alertmanager import Alert
from service.cli.drill.links import CHECKOUT, checks
from service.cli.finding import State

LABELS = {"deployment_environment_name": "development", "gen_ai_request_model": "a:1b"}
DASHBOARD = "http://127.0.0.1:3003/d/model?from=now-6h&to=now&var-environment=development&var-model=a%3A1b"
TRACES = '{ resource.deployment.environment.name = "development" && span.gen_ai.request.model = "a:1b" }'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "dashboards" / "json"
    folder.mkdir(parents=True)
    variables = [{"name": name} for name in ("environment", "model")]
    (folder / "model.json").write_text(json.dumps({"uid": "model", "templating": {"list": variables}}))
    (folder / "odd.json").write_text(json.dumps({"uid": "other", "templating": {"list": variables}}))
    (tmp_path / "runbook.md").write_text("# Runbook\n\n## RagModelLatencyRegression\n\nWhat it means.\n")
    return tmp_path


@pytest.fixture
def alert(checkout: Path) -> Alert:
    return Alert(
        {"alertname": "RagModelLatencyRegression", "severity": "ticket", **LABELS},
        {
            "summary": "a:1b takes 3 times its usual time",
            "description": "Mean 3 s over 20 answers.",
            "dashboard_url": DASHBOARD,
            "runbook_url": (checkout / "runbook.md").as_uri() + "#ragmodellatencyregression",
            "trace_query": TRACES,
        },
        "2030-01-01T00:00:00Z",
    )


def states(alert: Alert, checkout: Path, others: int = 0) -> dict[str, State]:
    return {one.check: one.state for one in checks(alert, LABELS, others, traced=True, checkout=checkout)}


def test_a_good_alert_has_nothing_wrong(alert: Alert, checkout: Path) -> None:
    expected = dict.fromkeys(("labels", "texts", "dashboard", "runbook", "traces"), State.OK)
    assert states(alert, checkout) == expected
    assert "traces" not in {one.check for one in checks(alert, LABELS, 0, traced=False, checkout=checkout)}


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        ({"gen_ai_request_model": "b:1b"}, {"labels", "dashboard"}),
        ({"severity": ""}, {"labels"}),
        ({"deployment_environment_name": "production"}, {"labels", "dashboard"}),
    ],
)
def test_wrong_labels_are_found(alert: Alert, checkout: Path, labels: dict[str, str], wrong: set[str]) -> None:
    found = states(replace(alert, labels={**alert.labels, **labels}), checkout)
    assert {check for check, state in found.items() if state is State.PROBLEM} == wrong


def test_further_models_that_are_named_are_found(alert: Alert, checkout: Path) -> None:
    assert states(alert, checkout, others=1)["labels"] is State.PROBLEM


@pytest.mark.parametrize(
    ("name", "text", "check"),
    [
        ("summary", "", "texts"),
        ("description", "Mean <no value> over 20", "texts"),
        ("description", "{{ $value }}", "texts"),
        ("dashboard_url", "", "dashboard"),
        ("dashboard_url", "http://127.0.0.1:3003/d/model?from=now-6h", "dashboard"),
        ("dashboard_url", DASHBOARD.replace("a%3A1b", "b%3A1b"), "dashboard"),
        ("dashboard_url", DASHBOARD.partition("&var-model")[0], "dashboard"),
        ("dashboard_url", DASHBOARD.replace("/d/model", "/d/gone"), "dashboard"),
        ("dashboard_url", DASHBOARD.replace("/d/model", "/d/odd"), "dashboard"),
        ("dashboard_url", DASHBOARD + "&var-tier=simple", "dashboard"),
        ("runbook_url", "https://example.org/runbook", "runbook"),
        ("runbook_url", "https://example.org/runbook#ragollamadown", "runbook"),
        ("trace_query", "", "traces"),
        ("trace_query", TRACES.removesuffix("}"), "traces"),
        ("trace_query", TRACES.replace("a:1b", "b:1b"), "traces"),
    ],
)
def test_wrong_texts_and_links_are_found(alert: Alert, checkout: Path, name: str, text: str, check: str) -> None:
    changed = replace(alert, annotations={**alert.annotations, name: text})
    found = states(changed, checkout)
    assert {one for one, state in found.items() if state is State.PROBLEM} == {check}


def test_a_runbook_without_the_heading_is_found(alert: Alert, checkout: Path) -> None:
    (checkout / "runbook.md").write_text("# Runbook\n\n## RagOllamaDown\n")
    assert states(alert, checkout)["runbook"] is State.PROBLEM


def test_without_a_checkout_dashboards_are_not_compared(alert: Alert, checkout: Path, tmp_path: Path) -> None:
    assert states(alert, tmp_path / "nowhere")["dashboard"] is State.INFO


def test_the_checkout_is_the_one_of_these_sources() -> None:
    assert (CHECKOUT / "dashboards" / "json" / "model.json").is_file()
