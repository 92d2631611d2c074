"""A deploy is marked where Prometheus takes it, and nothing is lost where it does not."""

from ops.rollout.mark import NAME, mark
from ops.stack.process import free_port
from prometheus import foreign
from service.cli.drill.remote_write import ENDED
from tests.fakes.drill_parts import FakeAlert, watching


def test_dashboards_know_it_by_its_name() -> None:
    assert foreign.DEPLOY == NAME


def test_one_point_with_an_end_names_version_event_and_the_way_back() -> None:
    with watching(FakeAlert("RagX", {})) as watchers:
        assert mark(watchers.prometheus.url, "production", "0123456789ab", "kept", "deploy-1", 1_700_000_000.0)
        bodies = watchers.prometheus.writes
    assert [ENDED in body for body in bodies] == [False, True]
    for body in bodies:
        for word in (NAME, "0123456789ab", "kept", "deploy-1", "production"):
            assert word.encode() in body


def test_without_prometheus_or_its_leave_there_is_no_mark() -> None:
    assert not mark(f"http://127.0.0.1:{free_port()}", "production", "a", "up", "b", 0.0)
    with watching(FakeAlert("RagX", {})) as watchers:
        watchers.prometheus.takes_writes = False
        assert not mark(watchers.prometheus.url, "production", "a", "up", "b", 0.0)
