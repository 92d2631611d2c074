"""Liveness, readiness, metrics."""

from dataclasses import replace

import pytest

from service.alert_receivers import AlertDelivery
from service.api.answers import HealthShape, ReadyShape
from service.services import DependencyStatus
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of, with_keys


async def test_alive_whatever_is_away() -> None:
    fakes, _ = with_keys()
    fakes.probes.statuses = (DependencyStatus("sqlite", False, True),)
    fakes.draining.begin()
    async with client_of(fakes) as client:
        reply = await client.get("/healthz")
    assert HealthShape.model_validate_json(reply.content).status == "ok"


async def test_ready_when_the_required_ones_are_there() -> None:
    fakes, _ = with_keys()
    async with client_of(fakes) as client:
        reply = await client.get("/readyz")
    assert reply.status_code == 200
    assert ReadyShape.model_validate_json(reply.content).status == "ready"
    assert reply.json()["dependencies"][1] == {"name": "ollama", "ok": False, "required": False}
    assert "secret" not in reply.text


async def test_it_says_whether_somebody_is_told_of_alerts() -> None:
    fakes = FakeServices()
    for alerts in AlertDelivery:
        fakes.about = replace(fakes.about, alerts=alerts)
        async with client_of(fakes) as client:
            assert (await client.get("/readyz")).json()["alerts"] == alerts.value


async def test_not_ready_says_which() -> None:
    fakes = FakeServices()
    fakes.probes.statuses = (DependencyStatus("sqlite", False, True, "disk"),)
    async with client_of(fakes) as client:
        reply = await client.get("/readyz")
    assert (reply.status_code, reply.json()["status"]) == (503, "not_ready")
    assert reply.json()["dependencies"] == [{"name": "sqlite", "ok": False, "required": True}]


async def test_not_ready_as_soon_as_it_stops() -> None:
    fakes = FakeServices()
    fakes.draining.begin()
    async with client_of(fakes) as client:
        reply = await client.get("/readyz")
    assert (reply.status_code, reply.json()["status"]) == (503, "shutting_down")


@pytest.mark.parametrize("path", ["/metrics", "/api/metrics"])
async def test_metrics_as_rendered(path: str) -> None:
    fakes = FakeServices()
    async with client_of(fakes) as client:
        reply = await client.get(path, headers={"accept": "application/openmetrics-text"})
    assert reply.text == "rag_up 1\n# EOF\n"
    assert reply.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert fakes.exposition.accepts == ["application/openmetrics-text"]


async def test_no_redirect_hides_a_wrong_path() -> None:
    async with client_of(FakeServices()) as client:
        assert (await client.get("/metrics/")).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/api/healthz"])
async def test_monitors_that_send_head_are_answered(path: str) -> None:
    async with client_of(FakeServices()) as client:
        assert (await client.head(path)).status_code == 200
