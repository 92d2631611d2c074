"""Every signal of every component, seen from where people look: after real traffic each row of one matrix holds.

Metrics are asked of the real Prometheus, spans of the store that the Collector fills. The matrix is printed at the end.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from ops.stack.process import wait_until
from tests.components.alertmanager_api import AlertmanagerApi
from tests.components.installation import SERVICE, Installation
from tests.components.ollama import CHAT_MODELS
from tests.e2e.matrix import MATRIX, VERSION, Signal

WITHIN_S = 30.0


def line(component: str, signal: str, what: object) -> str:
    """A row of the page that is printed at the end."""
    return f"  {component:<14}{signal:<30}{what}"


@pytest.fixture(scope="module")
def installation(stack: Installation) -> Installation:
    """The stack after one of everything that people do."""
    service = stack.service
    for model in CHAT_MODELS:
        assert service.ask("What is momentum trading?", model=model)["model"] == model
    assert service.ask("What is a stop order?")["cache"]["result"] == "miss"
    assert service.ask("What is a stop order?")["cache"]["result"] == "hit"
    assert service.ask("What is a stop order?", cache={"no-cache": True})["cache"]["result"] == "bypass"
    assert service.stream("What is a trailing stop?")[-1][0] == "done"
    assert service.client.post("/ask", json={"query": "What is slippage?", "model": "gpt-17"}).status_code == 404
    assert service.ask("Wie backt man Himbeerkuchen?")["mode"] == "no_context"
    added = {"file": ("added.md", b"# Added\n\nFribbling means keeping a document over a restart.", "text/markdown")}
    assert service.client.post("/documents", files=added).status_code == 201
    assert service.client.post("/documents", files={"file": ("bad.zip", b"PK\x03\x04")}).status_code in {400, 415, 422}
    stack.prometheus.scraped(SERVICE)
    return stack


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_prometheus_has(row: Signal, installation: Installation, seen: Callable[[str], None]) -> None:
    installation.needs(row.component)
    prometheus = installation.prometheus
    answer: list[Any] = []

    def holds() -> bool:
        answer[:] = [series for series in prometheus.query(row.query) if row.labels.items() <= series.labels.items()]
        return bool(answer) and row.holds(sum(series.value for series in answer))

    wait_until(holds, WITHIN_S, f"{row.query} with {row.labels}; every series of it: {prometheus.query(row.query)[:3]}")
    seen(line(row.component, row.what, f"{sum(series.value for series in answer):g}"))


def test_nothing_but_what_is_there_is_scraped_and_all_of_it_is_up(installation: Installation) -> None:
    prometheus = installation.prometheus

    def all_up() -> bool:
        return all(target["health"] == "up" for target in prometheus.targets().values())

    wait_until(all_up, WITHIN_S, f"every target is up: {prometheus.targets()}")
    assert set(prometheus.targets()) == installation.jobs
    assert prometheus.label_values("deployment_environment_name") == {"production"}


def test_traces_say_who_sent_them(installation: Installation, seen: Callable[[str], None]) -> None:
    store = installation.traces
    wait_until(lambda: len(store.search(root="POST /ask", environment="production")) >= 10, WITHIN_S, "ten questions")
    (found, *_) = store.search(root="POST /ask", environment="production")
    spans = store.trace(found)
    for span in spans:
        assert span["resource"]["service.name"] == SERVICE
        assert span["resource"]["service.version"] == VERSION
        assert span["resource"]["deployment.environment.name"] == "production"
        assert span["resource"]["service.instance.id"]
    seen(line("service", f"spans in {store.name}", len(spans)))


def test_log_lines_are_json_and_lead_to_their_trace(installation: Installation, seen: Callable[[str], None]) -> None:
    reply = installation.service.client.post("/ask", json={"query": "What is a gap?", "cache": {"no-cache": True}})
    trace_id = reply.headers["x-trace-id"]

    def lines_of_it() -> list[dict[str, Any]]:
        return [one for one in installation.service.log_lines() if one.get("trace_id") == trace_id]

    # It is written once the last byte is sent, so the reply may be here first.
    wait_until(lambda: any(one["message"] == "request" for one in lines_of_it()), WITHIN_S, "the line of the request")
    lines = lines_of_it()
    (told,) = [one for one in lines if one["message"] == "request"]
    assert (told["service.name"], told["environment"], told["route"], told["status"]) == (
        SERVICE,
        "production",
        "/ask",
        200,
    )
    spans = installation.traces.trace(trace_id)
    assert told["span_id"] in {span["span_id"] for span in spans}
    text = installation.service.log_end().splitlines()[1:]
    assert all(one.startswith("{") for one in text)
    seen(line("service", "log lines with a trace id", len(lines)))


def test_prometheus_sends_alerts_to_the_alertmanager(installation: Installation, seen: Callable[[str], None]) -> None:
    wait_until(lambda: bool(installation.prometheus.alertmanagers()), WITHIN_S, "Prometheus reaches an Alertmanager")
    (url,) = installation.prometheus.alertmanagers()
    assert url == f"{installation.alertmanager.url}/api/v2/alerts"
    seen(line("prometheus", "reaches", url))


def test_an_alert_goes_through_the_routes_to_its_receiver_and_ends_there(
    installation: Installation, seen: Callable[[str], None]
) -> None:
    alertmanager: AlertmanagerApi = installation.alertmanager
    calls = installation.webhook.calls
    told = {"alertname": "PostedByATest", "notify": "webhook", "severity": "warning"}
    untold = {"alertname": "ForNobody", "severity": "warning"}

    def heard(status: str) -> bool:
        return any(
            alert["status"] == status and alert["labels"]["alertname"] == told["alertname"]
            for call in calls
            for alert in call["alerts"]
        )

    alertmanager.fire(**untold)
    alertmanager.fire(**told)
    wait_until(lambda: heard("firing"), 2 * WITHIN_S, f"the alert arrives; arrived: {calls}")
    alertmanager.resolve(**told)
    wait_until(lambda: heard("resolved"), 3 * WITHIN_S, f"its end arrives; arrived: {calls}")
    # It was there, and nobody asked to hear of it.
    assert alertmanager.alerts(alertname="ForNobody")
    assert not any(alert["labels"]["alertname"] == "ForNobody" for call in calls for alert in call["alerts"])
    seen(line("alertmanager", "told", sorted({alert["status"] for call in calls for alert in call["alerts"]})))


RULE = """\
groups:
  - name: tests
    interval: 1s
    rules:
      - alert: MoreDocuments
        expr: rag_corpus_documents > {}
"""


def test_a_rule_fires_in_prometheus_and_its_receiver_is_told_and_told_again_when_it_is_over(
    installation: Installation, seen: Callable[[str], None]
) -> None:
    service, prometheus, calls = installation.service, installation.prometheus, installation.webhook.calls
    known = len(service.client.get("/documents").json()["documents"])
    rules = installation.folder / "prometheus" / "rules" / "tests.yml"
    rules.write_text(RULE.format(known))
    os.kill(installation.stack.parts["prometheus"].pid, signal.SIGHUP)
    wait_until(lambda: "MoreDocuments" in prometheus.rules(), WITHIN_S, "the rule is read")

    def heard() -> list[str]:
        alerts = (alert for call in calls for alert in call["alerts"])
        return [one["status"] for one in alerts if one["labels"]["alertname"] == "MoreDocuments"]

    prometheus.scraped(SERVICE)
    assert heard() == []
    added = service.client.post("/documents", files={"file": ("more.md", b"# More\n\nSnorbling is a word.")})
    assert added.status_code == 201
    wait_until(lambda: heard()[-1:] == ["firing"], WITHIN_S, f"the receiver hears of it; it heard: {calls}")
    (told,) = [alert for call in calls for alert in call["alerts"] if alert["labels"]["alertname"] == "MoreDocuments"]
    assert told["labels"]["deployment_environment_name"] == "production"
    assert service.client.delete(f"/documents/{added.json()['id']}").status_code in {200, 204}
    wait_until(lambda: heard()[-1:] == ["resolved"], WITHIN_S, f"the receiver hears of its end; it heard: {calls}")
    rules.unlink()
    seen(line("prometheus", "alert to receiver", heard()))
