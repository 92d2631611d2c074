"""A restore is marked where Prometheus takes it, and nothing is lost where it does not."""

from ops.checkpoint.mark import NAME, mark
from ops.stack.process import free_port
from prometheus import foreign
from service.cli.drill.remote_write import ENDED
from tests.fakes.drill_parts import FakeAlert, watching


def test_dashboards_know_it_by_its_name() -> None:
    assert foreign.RESTORE == NAME


def test_one_point_with_an_end() -> None:
    with watching(FakeAlert("RagX", {})) as watchers:
        assert mark(watchers.prometheus.url, "development", "before-tuning", 1_700_000_000.0)
        bodies = watchers.prometheus.writes
    assert [ENDED in body for body in bodies] == [False, True]
    for body in bodies:
        for word in (NAME.encode(), b"before-tuning", b"deployment_environment_name", b"development"):
            assert word in body


def test_without_prometheus_or_its_leave_there_is_no_mark() -> None:
    assert not mark(f"http://127.0.0.1:{free_port()}", "development", "a", 0.0)
    with watching(FakeAlert("RagX", {})) as watchers:
        watchers.prometheus.takes_writes = False
        assert not mark(watchers.prometheus.url, "development", "a", 0.0)
