"""What Alertmanager is asked."""

from collections.abc import Iterator

import pytest

from service.cli.drill.alertmanager import Alertmanager
from service.cli.failures import Failure
from tests.fakes.drill_parts import FakeAlert, Watchers, watching

LABELS = {"deployment_environment_name": "development", "gen_ai_request_model": "a:1b"}


@pytest.fixture
def watchers() -> Iterator[Watchers]:
    with watching(FakeAlert("RagModelMissing", LABELS, {"summary": "s"}, broken=True, looks=2)) as running:
        yield running


def test_alerts_are_found_by_name_and_labels(watchers: Watchers) -> None:
    client = Alertmanager(watchers.alertmanager.url)
    client.require()
    watchers.alertmanager.silenced_by = ["x"]
    (alert,) = client.alerts("RagModelMissing", LABELS)
    assert alert.labels == {"alertname": "RagModelMissing", "severity": "ticket", **LABELS}
    assert (alert.annotations, alert.receivers, alert.suppressed_by) == (
        {"summary": "s"},
        ("nobody", "webhook"),
        ("x",),
    )
    assert client.alerts("RagModelMissing", {"gen_ai_request_model": "b:1b"}) == []
    assert client.alerts("RagOllamaDown", {}) == []


def test_another_program_is_told_apart(watchers: Watchers) -> None:
    watchers.prometheus.get = lambda request: request.reply(200, b"{}")  # type: ignore[method-assign]
    with pytest.raises(Failure, match="is not Alertmanager"):
        Alertmanager(watchers.prometheus.url).alerts("x", {})
