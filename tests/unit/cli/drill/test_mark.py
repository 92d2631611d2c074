"""The mark on dashboards, and how long it stands. A real Prometheus reads it in tests/e2e."""

from collections.abc import Iterator

import pytest

from ops.stack.process import free_port, wait_until
from prometheus import foreign
from service.cli.drill.json_api import JsonApi
from service.cli.drill.mark import NAME, Mark
from service.cli.drill.remote_write import ENDED
from tests.fakes.clock import ManualClock
from tests.fakes.drill_parts import FakeAlert, Watchers, watching

LABELS = {"drill": "slow-model"}


@pytest.fixture
def watchers() -> Iterator[Watchers]:
    with watching(FakeAlert("RagX", {})) as running:
        yield running


def test_dashboards_know_it_by_its_name() -> None:
    assert foreign.DRILL == NAME


def test_it_is_written_again_and_again_and_ended(watchers: Watchers) -> None:
    api = JsonApi("Prometheus", watchers.prometheus.url, "")
    with Mark(api, LABELS, ManualClock(), every_s=0.01) as mark:
        assert mark.accepted
        wait_until(lambda: len(watchers.prometheus.writes) >= 3, 10, "it is written again")
    assert all(b"slow-model" in body and NAME.encode() in body for body in watchers.prometheus.writes)
    assert [ENDED in body for body in watchers.prometheus.writes] == [False] * (len(watchers.prometheus.writes) - 1) + [
        True
    ]


def test_where_it_is_not_taken_the_drill_goes_on_without(watchers: Watchers) -> None:
    watchers.prometheus.takes_writes = False
    with Mark(JsonApi("Prometheus", watchers.prometheus.url, ""), LABELS, ManualClock()) as mark:
        assert not mark.accepted
    assert len(watchers.prometheus.writes) == 1
    with Mark(JsonApi("Prometheus", f"http://127.0.0.1:{free_port()}", ""), LABELS, ManualClock()) as mark:
        assert not mark.accepted
