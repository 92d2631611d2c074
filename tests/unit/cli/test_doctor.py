"""`emini-rag doctor`."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ops.stack.process import free_port
from service.cli.doctor import checks_of
from service.cli.surroundings import Surroundings
from service.settings import BadSettings, SettingProblem, Settings
from tests.fakes.model_directory import snapshot_of
from tests.unit.cli.conftest import Shell

EVERYTHING = {
    "Python", "SQLite full-text search", "data folder", "data folder in use", "documents folder", "service port",
    "metrics port", "API keys", "clock", "Ollama", "Chroma (embedded)", "Collector", "alerts",
}  # fmt: skip


def run(environment: dict[str, str], folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service.cli.main", "doctor", *options]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def findings(shell: Shell) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in json.loads(shell("doctor", "--json").stdout)}


def test_with_everything_absent_the_service_can_still_answer(shell: Shell) -> None:
    told = shell("doctor")
    assert told.exit_code == 0, told.output
    assert "The service can answer" in told.stdout
    found = findings(shell)
    assert set(found) == EVERYTHING
    assert found["Ollama"]["state"] == found["documents folder"]["state"] == "warning"
    assert all(one["todo"] for one in found.values() if one["state"] in {"warning", "problem"})
    assert not shell.settings.data_dir.exists()


def test_in_an_empty_folder_as_a_user_starts_it(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd()),
        "RAG_OLLAMA__URL": f"http://127.0.0.1:{free_port()}", "RAG_SERVER__PORT": str(free_port()),
        "RAG_METRICS__PORT": str(free_port()),
    }  # fmt: skip
    command = [sys.executable, "-m", "service.cli.main", "doctor", "--json"]
    ended = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {one["check"] for one in json.loads(ended.stdout)} == EVERYTHING
    assert list(tmp_path.iterdir()) == []


def test_everything_there_is_told_as_such(shell: Shell, service: Callable[[], str]) -> None:
    shell.changes["metrics"] = {"port": 0}
    shell.settings.documents_dir.mkdir()
    (shell.settings.documents_dir / "a.md").write_text("text")
    shell.store.current = snapshot_of({"llama3.2:3b": True, "nomic-embed-text": False})
    told = shell("doctor")
    assert told.exit_code == 0
    assert "Everything is in place." in told.stdout, told.stdout
    assert "nomic-embed-text, installed" in told.stdout


def test_a_problem_ends_with_1_and_says_what_to_do(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        shell.changes["server"] = {"port": taken.getsockname()[1]}
        told = shell("doctor")
    assert told.exit_code == 1
    assert "1 problem to solve" in told.stdout
    assert "RAG_SERVER__PORT" in told.stdout


def test_what_is_configured_elsewhere_is_looked_at_there(shell: Shell) -> None:
    shell.changes |= {"chroma": {"url": "http://127.0.0.1:9"}, "cache": {"url": "redis://127.0.0.1:9"}}
    found = findings(shell)
    assert found["Chroma"]["state"] == found["shared cache"]["state"] == "warning"
    assert "Chroma (embedded)" not in found


def test_bad_settings_are_a_finding(shell: Shell) -> None:
    def refuse() -> Settings:
        raise BadSettings([SettingProblem("RAG_A", "is wrong"), SettingProblem("RAG_B", "is wrong too")])

    here = Surroundings(load_settings=refuse)
    assert [check.name for check in checks_of(here)] == ["Python", "SQLite full-text search", "settings"]


def test_bad_settings_end_with_1(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd()), "RAG_SERVER__PROT": "1"}
    command = [sys.executable, "-m", "service.cli.main", "doctor"]
    ended = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "did you mean RAG_SERVER__PORT?" in ended.stdout
