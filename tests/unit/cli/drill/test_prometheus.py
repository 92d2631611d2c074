"""What Prometheus is asked."""

from collections.abc import Iterator

import pytest

from service.cli.drill.prometheus import Prometheus
from service.cli.failures import Failure
from tests.fakes.drill_parts import FakeAlert, Watchers, watching

LABELS = {"deployment_environment_name": "development"}


@pytest.fixture
def watchers() -> Iterator[Watchers]:
    with watching(FakeAlert("RagOllamaDown", LABELS)) as running:
        yield running


def test_it_says_whom_it_watches_and_whom_it_tells(watchers: Watchers) -> None:
    client = Prometheus(watchers.prometheus.url)
    watchers.prometheus.environments = ["development", "production"]
    assert client.environments() == {"development", "production"}
    assert client.alertmanagers() == watchers.prometheus.alertmanagers


def test_a_value_is_the_largest_and_none_when_there_is_none(watchers: Watchers) -> None:
    client = Prometheus(watchers.prometheus.url)
    assert client.value("some_metric") is None
    watchers.prometheus.values = {"some_metric": 2.5, "some": 7.0, "met": float("nan")}
    assert client.value("some_metric") == 7.0


def test_a_rule_has_its_query_and_the_states_of_its_alerts(watchers: Watchers) -> None:
    client = Prometheus(watchers.prometheus.url)
    rule = client.rule("RagOllamaDown")
    assert (rule.query, rule.for_s, rule.keep_s, rule.state(LABELS)) == ("up == 0", 30, 60, "")
    watchers.alert.broken = True
    assert client.rule("RagOllamaDown").state(LABELS) == "pending"
    assert client.rule("RagOllamaDown").state(LABELS) == "firing"
    assert client.rule("RagOllamaDown").state({"deployment_environment_name": "production"}) == ""


def test_a_rule_that_is_not_there_is_named(watchers: Watchers) -> None:
    with pytest.raises(Failure, match="no alert rule RagNothing"):
        Prometheus(watchers.prometheus.url).rule("RagNothing")


def test_another_program_is_told_apart(watchers: Watchers) -> None:
    with pytest.raises(Failure, match="is not Prometheus"):
        Prometheus(watchers.alertmanager.url)._data("/api/v2/alerts")
