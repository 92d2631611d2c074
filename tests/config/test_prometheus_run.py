"""A real Prometheus in the folder that the native stack prepares: what it takes, refuses, keeps and sends on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ops.stack import plans, scraping
from ops.stack.part import Part, Plan
from ops.stack.ports import Ports
from ops.stack.process import wait_until
from ops.stack.site import ROOT, Site, local
from service.clock import SystemClock
from service.telemetry.setup import Telemetry
from tests.bench.full_page import fill
from tests.components.alertmanager_api import AlertmanagerApi
from tests.components.fixtures import require
from tests.components.prometheus_api import PrometheusApi
from tests.fakes.metrics_page import OPENMETRICS, MetricsPage
from tests.fakes.webhook import Webhook
from tests.telemetry.recorder import EMBEDDER
from tests.telemetry.test_cardinality import MODELS

pytestmark = pytest.mark.real

SAYS = 'deployment_environment_name="elsewhere"'
ALERT = """\
groups:
  - name: test
    rules:
      - alert: TestAlways
        expr: vector(1)
"""


def _standing_in(name: str, port: int, folder: Path) -> Plan:
    """A part of which Prometheus only needs the address."""
    return Plan(name, "", ("true",), {}, folder, "", "", (), metrics_port=port)


@pytest.fixture(scope="module")
def page() -> Iterator[MetricsPage]:
    with MetricsPage() as running:
        yield running


@pytest.fixture(scope="module")
def alertmanager() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running


@pytest.fixture(scope="module")
def real_alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerApi]:
    folder = tmp_path_factory.mktemp("alertmanager")
    with Part(plans.alertmanager(_site(folder), require("alertmanager"))) as running:
        yield AlertmanagerApi(running.url)


def _site(folder: Path) -> Site:
    receivers = folder / "receivers"
    receivers.mkdir()
    told = {"ALERT_RECEIVERS": "slack,webhook"}
    return Site(folder, Ports.free(), "production", folder, folder, receivers, told, scrape_interval="1s")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return _site(tmp_path_factory.mktemp("prometheus"))


@pytest.fixture(scope="module")
def prometheus(
    site: Site, page: MetricsPage, alertmanager: Webhook, real_alertmanager: AlertmanagerApi
) -> Iterator[PrometheusApi]:
    folder = site.folder
    plan = plans.prometheus(site, require("prometheus"))
    others = [
        _standing_in("service", page.port, folder),
        *(
            _standing_in("alertmanager", urlsplit(one.url).port or 0, folder)
            for one in (alertmanager, real_alertmanager)
        ),
    ]
    scraping.prepare(site, [plan, *others])
    (site.folder / "prometheus" / "rules" / "test.yml").write_text(ALERT)
    with Part(plan) as running:
        yield PrometheusApi(running.url)


def _status(prometheus: PrometheusApi, what: str) -> Any:
    reply = httpx.get(f"{prometheus.url}/api/v1/status/{what}", timeout=10, trust_env=False)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def _scraped(prometheus: PrometheusApi, page: MetricsPage, text: str) -> dict[str, Any]:
    """What Prometheus says of the service's target after it has read this page."""
    page.text = text
    read = page.calls
    # The one under way may have begun before.
    wait_until(lambda: page.calls > read + 1, 20, "two further scrapes")
    return prometheus.targets()["emini-rag"]


def test_what_the_service_says_of_itself_counts(prometheus: PrometheusApi, page: MetricsPage) -> None:
    text = f"# TYPE test_ours gauge\ntest_ours{{{SAYS}}} 1\n# TYPE test_silent gauge\ntest_silent 1\n# EOF\n"
    target = _scraped(prometheus, page, text)
    assert (target["health"], target["lastError"]) == ("up", "")
    (ours,) = prometheus.until("test_ours")
    assert ours.labels["deployment_environment_name"] == "elsewhere"
    assert [name for name in ours.labels if name.startswith("exported_")] == []
    (silent,) = prometheus.until("test_silent")
    assert silent.labels["deployment_environment_name"] == "production"
    (up,) = prometheus.query('up{job="emini-rag"}')
    assert up.labels["deployment_environment_name"] == "production"


async def test_the_fullest_page_that_a_service_can_have_is_taken(prometheus: PrometheusApi, page: MetricsPage) -> None:
    telemetry = Telemetry(
        service="emini-rag", version="1", environment="full", models=MODELS, embedder=EMBEDDER, clock=SystemClock()
    )
    fill(telemetry)
    body, _ = await telemetry.page.render(OPENMETRICS)
    telemetry.shutdown()
    assert body.count(b"\n") > 2500
    target = _scraped(prometheus, page, body.decode())
    assert (target["health"], target["lastError"]) == ("up", "")
    taken = prometheus.until('scrape_samples_scraped{job="emini-rag"}', lambda number: number > 2000)[0].value
    stored = prometheus.value('count({job="emini-rag", deployment_environment_name="full"})')
    assert stored > 0.9 * taken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("".join(f'test_many{{number="{one}"}} 1\n' for one in range(40_001)), "sample limit exceeded"),
        (f"test_wide{{{','.join(f'l{one}={chr(34)}x{chr(34)}' for one in range(31))}}} 1\n", "label_limit exceeded"),
        (f'test_long{{text="{"x" * 301}"}} 1\n', "label_value_length_limit exceeded"),
        ("# " + "x" * (11 << 20) + "\n", "body size limit exceeded"),
    ],
    ids=["series", "labels", "length", "size"],
)
def test_a_page_beyond_a_guard_is_refused_and_said_so(
    prometheus: PrometheusApi, page: MetricsPage, text: str, words: str
) -> None:
    target = _scraped(prometheus, page, text + "# EOF\n")
    assert target["health"] == "down"
    assert words in target["lastError"]


def test_alerts_name_who_is_to_be_told(prometheus: PrometheusApi, alertmanager: Webhook) -> None:
    assert "notify: slack,webhook" in _status(prometheus, "config")["yaml"]
    # What fires before the Alertmanager has been discovered is sent again a minute later.
    wait_until(lambda: "TestAlways" in _sent(alertmanager), 90, "the alert is sent")
    assert _sent(alertmanager)["TestAlways"]["labels"]["notify"] == "slack,webhook"


def _sent(alertmanager: Webhook) -> dict[str, Any]:
    """Alerts by their names, as Prometheus posts them: many at a time."""
    posts: list[Any] = list(alertmanager.calls)
    return {alert["labels"]["alertname"]: alert for post in posts for alert in post}


def test_an_alert_arrives_with_links_that_lead_somewhere_and_without_what_they_are_made_of(
    prometheus: PrometheusApi, real_alertmanager: AlertmanagerApi, site: Site
) -> None:
    wait_until(lambda: bool(real_alertmanager.alerts(alertname="Watchdog")), 90, "the alert arrives")
    (alert,) = real_alertmanager.alerts(alertname="Watchdog")
    runbook, dashboard = (urlsplit(alert["annotations"][name]) for name in ("runbook_url", "dashboard_url"))
    page = httpx.get(runbook._replace(fragment="").geturl(), timeout=10, trust_env=False)
    assert page.status_code == 200
    assert f'<h2 id="{runbook.fragment}">Watchdog</h2>' in page.text
    assert f"{dashboard.scheme}://{dashboard.netloc}" == local(site.ports.grafana)
    assert (ROOT / "dashboards" / "json" / f"{dashboard.path.removeprefix('/d/')}.json").is_file()
    assert alert["labels"] == {"alertname": "Watchdog", "severity": "none", "notify": "slack,webhook"}


def test_retention_and_exemplars_are_in_force(prometheus: PrometheusApi, page: MetricsPage) -> None:
    assert _status(prometheus, "runtimeinfo")["storageRetention"] == "30d or 8GiB"
    flags = _status(prometheus, "flags")
    assert flags["web.enable-remote-write-receiver"] == "true"
    assert "exemplar-storage" in flags["enable-feature"]
    metrics = httpx.get(f"{prometheus.url}/metrics", timeout=10, trust_env=False).text
    (most,) = re.findall(r"^prometheus_tsdb_exemplar_max_exemplars (\S+)$", metrics, re.MULTILINE)
    assert float(most) == 100_000
    exemplar = (
        "# TYPE test_seconds histogram\n"
        'test_seconds_bucket{le="1"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.5\n'
        'test_seconds_bucket{le="+Inf"} 1\ntest_seconds_count 1\ntest_seconds_sum 0.5\n# EOF\n'
    )
    assert _scraped(prometheus, page, exemplar)["health"] == "up"
    prometheus.until("test_seconds_count")
    now_s = prometheus.value("time()")
    (found,) = prometheus.exemplars("test_seconds_bucket", now_s - 60, now_s + 60)
    assert found.labels == {"trace_id": "0af7651916cd43dd8448eb211c80319c"}


def test_nobody_is_told_when_nobody_is_named(tmp_path: Path) -> None:
    site = Site(tmp_path, Ports.free(), "production", tmp_path, tmp_path, tmp_path, {})
    plan = plans.prometheus(site, require("prometheus"))
    scraping.prepare(site, [plan])
    with Part(plan) as running:
        assert "${" not in _status(PrometheusApi(running.url), "config")["yaml"]
        assert 'notify: ""' in _status(PrometheusApi(running.url), "config")["yaml"]
