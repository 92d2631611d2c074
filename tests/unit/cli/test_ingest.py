"""`emini-rag ingest`: over HTTP, and in this process."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.stack.process import free_port, wait_until
from service.auth.principal import Scope
from service.errors import Dependency, DependencyUnavailable
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


def test_watching_over_http_sends_what_changes_until_ctrl_c(
    shell: Shell, service: Callable[[], str], folder: Path
) -> None:
    command = [sys.executable, "-m", "service.cli.main", "ingest", str(folder), "--watch", "--url", service()]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:

        def sources() -> set[str]:
            return {document.source for document in shell.fakes.corpus.documents()}

        def alive() -> bool:
            return watching.poll() is None

        wait_until(lambda: "a.md" in sources(), 30, "the folder is sent", alive=alive)
        (folder / ".new").write_text("about the new one")
        (folder / ".new").rename(folder / "new.md")  # at once: half a file would be sent as such
        wait_until(lambda: "new.md" in sources(), 30, "the new file is sent", alive=alive)
        sent_again = [what for call, what in shell.fakes.corpus.calls if call == "add" and what == "a.md"]
        assert len(sent_again) == 1
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=30)
    finally:
        watching.kill()
        watching.wait(30)
    assert watching.returncode == 130
    assert out.startswith("2 files: 2 added\n")
    assert "Watching" in err
    assert "Traceback" not in err


def test_watching_in_process_follows_the_folder_and_closes_at_its_end(shell: Shell, folder: Path) -> None:
    corpus = shell.fakes.corpus

    def change() -> None:
        wait_until(lambda: ("add_folder", str(folder)) in corpus.calls, 30, "the first look")
        corpus.failures.append(DependencyUnavailable(Dependency.SQLITE, "the disk is gone; mount it"))
        wait_until(lambda: write_again() and not corpus.failures, 30, "the second look")

    def write_again() -> bool:
        (folder / "new.md").write_text(f"at {time.monotonic()}")
        return True

    changing = threading.Thread(target=change, daemon=True)
    changing.start()
    told = shell("ingest", str(folder), "--watch")
    changing.join(30)
    assert told.exit_code == 1
    assert " added\n" in told.stdout
    assert "the disk is gone; mount it" in told.stderr
    assert shell.fakes.closed == 1
