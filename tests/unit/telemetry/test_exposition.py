"""The metrics page: negotiation, exemplars, and the scraper's own small application."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from service.telemetry.exposition import MetricsPage, metrics_app

PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Histogram("t_seconds", "Time.", registry=registry, buckets=(1.0, 2.0)).observe(0.5, {"trace_id": "ab" * 16})
    Counter("n_total", "Number.", registry=registry).inc(3)
    return registry


async def test_a_scraper_gets_openmetrics_with_exemplars(registry: CollectorRegistry) -> None:
    body, content_type = await MetricsPage(registry).render(PROMETHEUS_3)

    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    samples = [sample for family in parse_openmetrics(body.decode()) for sample in family.samples]
    assert [sample.exemplar.labels for sample in samples if sample.exemplar] == [{"trace_id": "ab" * 16}]


@pytest.mark.parametrize("accept", ["", "*/*", BROWSER, "text/plain;version=0.0.4", "application/json"])
async def test_everybody_else_gets_text_without_exemplars(registry: CollectorRegistry, accept: str) -> None:
    body, content_type = await MetricsPage(registry).render(accept)

    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"trace_id" not in body
    assert [family.name for family in parse_text(body.decode())] == ["t_seconds", "n"]


@pytest.mark.parametrize(("accept", "parse"), [(PROMETHEUS_3, parse_openmetrics), ("", parse_text)])
def test_every_sample_has_the_constant_labels_beside_its_own(
    registry: CollectorRegistry, accept: str, parse: Any
) -> None:
    Counter("of_own", "Own.", ["kind", "version"], registry=registry).labels("a", "of its own").inc()
    constant = {"environment": 'pro"duc\\tion\n', "version": "1.2.3"}
    body, _ = MetricsPage(registry, constant).render_now(accept)

    samples = [sample for family in parse(body.decode()) for sample in family.samples]
    assert {name for sample in samples for name in sample.labels} == {"environment", "version", "le", "kind"}
    assert all(constant.items() <= sample.labels.items() for sample in samples)
    # Without a second label of the same name, which a scraper would refuse together with the whole page.
    assert body.count(b"version=") == body.count(b"environment=") == len(samples)
    values = {(sample.name, sample.labels.get("le")): sample.value for sample in samples}
    assert (values["t_seconds_bucket", "1.0"], values["n_total", None]) == (1.0, 3.0)


def test_the_constant_labels_do_not_stay_behind_in_the_registry(registry: CollectorRegistry) -> None:
    page = MetricsPage(registry, {"environment": "production"})
    assert page.render_now("") == page.render_now("")
    assert registry.get_sample_value("n_total") == 3


def test_exemplars_keep_their_own_labels(registry: CollectorRegistry) -> None:
    body, _ = MetricsPage(registry, {"environment": "production"}).render_now(PROMETHEUS_3)
    samples = [sample for family in parse_openmetrics(body.decode()) for sample in family.samples]
    assert [sample.exemplar.labels for sample in samples if sample.exemplar] == [{"trace_id": "ab" * 16}]


@pytest.mark.parametrize("version", ["abc", "1.x", "-1", "", "99999999999999999999.0.0", "\xff"])
async def test_a_hostile_accept_header_gets_a_page(registry: CollectorRegistry, version: str) -> None:
    body, _ = await MetricsPage(registry).render(f"application/openmetrics-text;version={version}")
    assert b"n_total 3.0" in body


async def test_rendering_runs_off_the_event_loop(registry: CollectorRegistry) -> None:
    threads: list[str] = []

    class Where:
        def collect(self) -> Iterator[Any]:
            threads.append(threading.current_thread().name)
            yield GaugeMetricFamily("g", "Gauge.", value=1.0)

    registry.register(Where())  # type: ignore[arg-type]
    threads.clear()
    page = MetricsPage(registry)
    await page.render("")
    page.close()

    assert threads != [threading.current_thread().name]
    assert threads[0].startswith("metrics-page")


class Broken:
    """An exposition that cannot render."""

    async def render(self, accept: str) -> tuple[bytes, str]:
        raise RuntimeError("no page")


def client_of(exposition: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(metrics_app(exposition)), base_url="http://scrape.test")


async def test_the_scrapers_application_serves_one_path(registry: CollectorRegistry) -> None:
    async with client_of(MetricsPage(registry)) as client:
        page = await client.get("/metrics", headers={"accept": PROMETHEUS_3})
        head = await client.head("/metrics")
        others = [await client.get("/"), await client.get("/metrics/"), await client.post("/metrics")]

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    assert page.content.endswith(b"# EOF\n")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    assert [reply.status_code for reply in others] == [404, 404, 404]


async def test_a_page_that_cannot_be_made_is_a_500_without_details() -> None:
    async with client_of(Broken()) as client:
        reply = await client.get("/metrics")
    assert reply.status_code == 500
    assert "no page" not in reply.text


async def test_it_starts_and_stops_with_its_server(registry: CollectorRegistry) -> None:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await metrics_app(MetricsPage(registry))({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
