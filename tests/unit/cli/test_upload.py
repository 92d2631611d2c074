"""Files to a service, one after the other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ops.stack.process import free_port
from service.cli.client import ServiceClient
from service.cli.failures import Failure, Unreachable
from service.cli.upload import upload_all
from service.corpus.folder import scan
from service.corpus.port import IngestReport, IngestResult
from service.errors import Dependency, DependencyUnavailable, ErrorKind, Forbidden, ServiceError
from tests.fakes.clock import ManualClock
from tests.unit.cli.conftest import Shell

LIMIT = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("about a")
    (folder / "sub" / "b.md").write_text("about b")
    (folder / ".hidden").write_text("nothing")
    return folder


def send(url: str, folder: Path, **options: object) -> tuple[IngestReport, list[tuple[int, int, str]]]:
    steps: list[tuple[int, int, str]] = []
    with ServiceClient(url) as service:
        report = upload_all(
            service,
            scan(str(folder)),
            LIMIT,
            lambda *step: steps.append(step),
            ManualClock(),
            **options,  # type: ignore[arg-type]
        )
    return report, steps


def test_files_keep_their_names_below_the_folder(shell: Shell, service: Callable[[], str], folder: Path) -> None:
    report, steps = send(service(), folder)
    assert [(one.source, one.result) for one in report.results] == [("a.md", "added"), ("sub/b.md", "added")]
    assert {document.source for document in shell.fakes.corpus.documents()} == {"a.md", "sub/b.md"}
    assert steps == [(0, 2, "a.md"), (1, 2, "a.md"), (1, 2, "sub/b.md"), (2, 2, "sub/b.md")]
    again, _ = send(service(), folder)
    assert again.counts == {IngestResult.UNCHANGED: 2}


def test_only_what_changed_is_sent(service: Callable[[], str], folder: Path) -> None:
    report, _ = send(service(), folder, only={(folder / "sub" / "b.md").resolve(), folder / "gone.md"})
    assert [one.source for one in report.results] == ["sub/b.md"]


def test_one_that_cannot_be_added_does_not_stop_the_others(service: Callable[[], str], folder: Path) -> None:
    (folder / "bad.md").write_bytes(b"\xff\xfe\x00binary")
    (folder / "big.md").write_text("x" * (LIMIT + 1))
    (folder / "out.md").symlink_to("/etc/hostname")
    report, _ = send(service(), folder)
    results = {one.source: one for one in report.results}
    assert [results[name].result for name in ("a.md", "bad.md", "big.md", "out.md", "sub/b.md")] == [
        IngestResult.ADDED,
        IngestResult.REJECTED,
        IngestResult.REJECTED,
        IngestResult.REJECTED,
        IngestResult.ADDED,
    ]
    assert "binary file" in results["bad.md"].detail
    assert "limit" in results["big.md"].detail
    assert "outside the folder" in results["out.md"].detail


def test_a_fault_of_the_service_is_a_failed_file(shell: Shell, service: Callable[[], str], folder: Path) -> None:
    shell.fakes.corpus.failures.append(DependencyUnavailable(Dependency.SQLITE, "busy; try again"))
    report, _ = send(service(), folder)
    assert [(one.result, one.detail) for one in report.results] == [("failed", "busy; try again"), ("added", "")]


@pytest.mark.parametrize("error", [Forbidden("no"), ServiceError(ErrorKind.STORAGE_FULL, "the disk is full")])
def test_what_would_fail_for_all_stops_at_the_first(
    shell: Shell, service: Callable[[], str], folder: Path, error: ServiceError
) -> None:
    shell.fakes.corpus.failures.extend([error, error])
    with pytest.raises(Failure) as caught:
        send(service(), folder)
    assert caught.value.kind is error.kind
    assert len(shell.fakes.corpus.calls) == 1


def test_a_service_that_is_gone_stops_everything(folder: Path) -> None:
    with pytest.raises(Unreachable):
        send(f"http://127.0.0.1:{free_port()}", folder)
