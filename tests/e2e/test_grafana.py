"""A real Grafana in the installation: provisioned without a complaint, and every data source answers a query.

Only where a `grafana` binary is found: no registry serves one.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ops.stack.process import wait_until
from ops.stack.site import ROOT
from tests.components.installation import SERVICE, Installation
from tests.components.trace_store import TempoStore

WITHIN_S = 60.0
SOURCES = {"prometheus": "prometheus", "tempo": "tempo", "alertmanager": "alertmanager"}
CORRELATIONS = "/api/datasources/correlations"
COMPLAINT = re.compile(r"level=(error|crit)|lvl=eror|\"level\":\"error\"")
PROVISIONING = re.compile("provision", re.IGNORECASE)


@pytest.fixture(scope="module")
def grafana(stack: Installation) -> Iterator[httpx.Client]:
    stack.needs("grafana")
    with stack.grafana() as client:
        yield client


def get(grafana: httpx.Client, path: str) -> Any:
    reply = grafana.get(path)
    assert reply.status_code == 200, f"{path}: {reply.status_code} {reply.text}"
    return reply.json()


def query(grafana: httpx.Client, uid: str, **model: object) -> list[dict[str, Any]]:
    """The frames of one query of one data source, asked as a panel asks."""
    asked = {"refId": "A", "datasource": {"uid": uid, "type": SOURCES[uid]}, "maxDataPoints": 100, "intervalMs": 15000}
    reply = grafana.post("/api/ds/query", json={"queries": [asked | model], "from": "now-5m", "to": "now"})
    assert reply.status_code == 200, f"{model}: {reply.status_code} {reply.text}"
    result = reply.json()["results"]["A"]
    assert "error" not in result, result
    return list(result["frames"])


def rows(frames: list[dict[str, Any]]) -> int:
    """A page can be answered with frames that hold nothing."""
    return sum(len(frame["data"]["values"][0]) for frame in frames if frame["data"]["values"])


def test_everything_is_provisioned_without_a_complaint(stack: Installation, grafana: httpx.Client) -> None:
    lines = stack.stack.parts["grafana"].log.read_text(errors="replace").splitlines()
    assert [line for line in lines if COMPLAINT.search(line) and PROVISIONING.search(line)] == []
    assert get(grafana, "/api/health")["database"] == "ok"


def test_the_data_sources_are_the_fixed_ones_and_nobody_edits_them(grafana: httpx.Client) -> None:
    sources = {source["uid"]: source for source in get(grafana, "/api/datasources")}
    assert {uid: source["type"] for uid, source in sources.items()} == SOURCES
    assert [uid for uid, source in sources.items() if source["isDefault"]] == ["prometheus"]
    assert all(source["readOnly"] for source in sources.values())
    exemplars = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert {"name": "trace_id", "datasourceUid": "tempo"}.items() <= exemplars[0].items()
    assert sources["tempo"]["jsonData"]["serviceMap"]["datasourceUid"] == "prometheus"
    assert sources["tempo"]["jsonData"]["tracesToMetrics"]["datasourceUid"] == "prometheus"
    links = {(one["sourceUID"], one["targetUID"]) for one in get(grafana, CORRELATIONS)["correlations"]}
    assert links == {("prometheus", "tempo"), ("tempo", "prometheus")}
    # A dollar sign is doubled in the file, and single by now.
    assert "$$" not in repr(sources)


def test_prometheus_is_healthy_and_answers(stack: Installation, grafana: httpx.Client) -> None:
    assert get(grafana, "/api/datasources/uid/prometheus/health")["status"] == "OK"
    stack.prometheus.scraped(SERVICE)
    frames = query(grafana, "prometheus", expr=f'up{{job="{SERVICE}"}}', instant=True, range=False, format="table")
    assert rows(frames) == 1
    stack.service.ask("What is a hedge?")
    buckets = 'sum by (le) (rag_ask_duration_seconds_bucket{outcome="ok"})'

    def drawn() -> bool:
        return rows(query(grafana, "prometheus", expr=buckets, range=True, format="heatmap")) > 0

    wait_until(drawn, WITHIN_S, "a point of a heat map")


def test_exemplars_reach_a_panel(stack: Installation, grafana: httpx.Client) -> None:
    answer = stack.service.ask("What is a tick size?", cache={"no-cache": True})

    def shown() -> bool:
        frames = query(grafana, "prometheus", expr="rag_ask_duration_seconds_bucket", range=True, exemplar=True)
        return answer["trace_id"] in repr(frames)

    wait_until(shown, WITHIN_S, "the exemplar of the question in the frames of a panel")


def test_tempo_answers_what_a_panel_and_an_exemplar_link_ask(stack: Installation, grafana: httpx.Client) -> None:
    """Its health check is no measure: the end point does not exist in every version."""
    stack.needs("tempo")
    assert isinstance(stack.traces, TempoStore)
    answer = stack.service.ask("What is a stop limit order?", cache={"no-cache": True})
    spans = stack.traces.trace(answer["trace_id"])

    def whole() -> bool:
        return rows(query(grafana, "tempo", queryType="traceId", query=answer["trace_id"])) >= len(spans)

    wait_until(whole, WITHIN_S, "the trace by its id")
    rate = '{ resource.service.name = "emini-rag" } | count_over_time()'

    def counted() -> bool:
        return rows(query(grafana, "tempo", queryType="traceql", query=rate, step="15s", metricsQueryType="range")) > 0

    wait_until(counted, WITHIN_S, "a query of TraceQL metrics")


def test_alertmanager_answers_through_grafana(stack: Installation, grafana: httpx.Client) -> None:
    """It has no back end of its own in Grafana: the page asks it through the proxy."""
    stack.needs("alertmanager")
    status = get(grafana, "/api/datasources/proxy/uid/alertmanager/api/v2/status")
    assert status["config"]["original"]


def test_every_dashboard_of_the_folder_is_there_and_no_other(grafana: httpx.Client) -> None:
    files = (ROOT / "dashboards" / "json").rglob("*.json")
    shipped = {json.loads(file.read_text(encoding="utf-8"))["uid"] for file in files}
    wait_until(lambda: uids(grafana) == shipped, WITHIN_S, f"the dashboards {shipped}; there are {uids(grafana)}")


def uids(grafana: httpx.Client) -> set[str]:
    return {one["uid"] for one in get(grafana, "/api/search?type=dash-db")}
