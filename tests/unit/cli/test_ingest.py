"""`emini-rag ingest`: over HTTP, and in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.auth.principal import Scope
from tests.components.process import free_port
from tests.fakes.http_service import listening
from tests.fakes.services import FakeGate
from tests.unit.cli.conftest import Shell


@pytest.fixture(params=["over HTTP", "in process"])
def either(request: pytest.FixtureRequest, shell: Shell) -> Shell:
    """The same expectations hold both ways."""
    if request.param == "over HTTP":
        request.getfixturevalue("service")
    return shell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("about a")
    (folder / "sub" / "b.md").write_text("about b")
    return folder


def test_a_folder_is_added_and_the_second_time_unchanged(either: Shell, folder: Path) -> None:
    told = either("ingest", str(folder))
    assert (told.exit_code, told.stdout) == (0, "2 files: 2 added\n")
    assert {document.source for document in either.fakes.corpus.documents()} == {"a.md", "sub/b.md"}
    assert either("ingest", str(folder)).stdout == "2 files: 2 unchanged\n"
    (folder / "a.md").write_text("about something else")
    assert "1 unchanged" in either("ingest", str(folder)).stdout


def test_what_fails_is_listed_and_ends_with_1(either: Shell, folder: Path) -> None:
    (folder / "bad.md").write_bytes(b"\xff\x00")
    told = either("ingest", str(folder))
    assert told.exit_code == 1
    assert "2 added, 1 rejected" in told.stdout
    assert "bad.md" in told.stdout
    assert "binary file" in told.stdout


def test_a_path_that_is_not_there_is_used_wrongly(shell: Shell) -> None:
    told = shell("ingest", str(shell.folder / "absent"))
    assert told.exit_code == 2
    assert shell.opened == 0


def test_one_file_over_http(shell: Shell, service: Callable[[], str], folder: Path) -> None:
    assert shell("ingest", str(folder / "sub" / "b.md")).stdout == "1 file: 1 added\n"
    assert shell.fakes.corpus.documents()[0].source == "b.md"


def test_in_process_says_so_and_closes_what_it_opened(shell: Shell, folder: Path) -> None:
    told = shell("ingest", str(folder))
    assert "adding here" in told.stderr
    assert (shell.opened, shell.fakes.closed) == (1, 1)


def test_prune_deletes_in_process(shell: Shell, folder: Path) -> None:
    shell("ingest", str(folder))
    (folder / "a.md").unlink()
    assert shell("ingest", str(folder)).stdout == "1 file: 1 unchanged\n"
    assert shell("ingest", str(folder), "--prune").stdout == "1 file: 1 unchanged, 1 deleted\n"


def test_prune_over_http_is_left_out_and_said(shell: Shell, service: Callable[[], str], folder: Path) -> None:
    told = shell("ingest", str(folder), "--prune")
    assert told.exit_code == 0
    assert "--prune is left out" in told.stderr


def test_an_address_that_was_named_is_the_only_one_that_counts(shell: Shell, folder: Path) -> None:
    told = shell("ingest", str(folder), "--url", f"http://127.0.0.1:{free_port()}")
    assert told.exit_code == 3
    assert shell.opened == 0


def test_a_key_without_the_scope_is_told_once(shell: Shell, folder: Path) -> None:
    shell.fakes.gate = gate = FakeGate()
    gate.key(Scope.ASK)
    file = shell.folder / "key"
    file.write_text("key0")
    file.chmod(0o600)
    with listening(shell.fakes) as url:
        told = shell("ingest", str(folder), "--url", url, "--key-file", str(file))
    assert told.exit_code == 1
    assert told.stderr.count("scope") >= 1
    assert len(gate.seen) == 1
    assert shell.fakes.corpus.calls == []
