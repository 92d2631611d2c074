"""The table of commands, quick start, and failures in words."""

import subprocess
import sys

import pytest

from service.cli.main import _COMMANDS
from service.errors import Dependency, DependencyUnavailable
from tests.unit.cli.conftest import Shell

HEAVY = ("chromadb", "fastapi", "httpx", "ollama", "opentelemetry", "pydantic", "rich.progress", "uvicorn")


def test_help_lists_every_command(shell: Shell) -> None:
    told = shell("--help")
    assert told.exit_code == 0
    for name in _COMMANDS:
        assert name in told.stdout


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_has_its_own_help(shell: Shell, name: str) -> None:
    told = shell(name, "--help")
    assert told.exit_code == 0, told.output
    assert f"emini-rag {name}" in told.stdout.replace("root", "emini-rag")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom service.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"sys.exit(','.join(name for name in {HEAVY!r} if name in sys.modules) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "doctor" in ended.stdout


@pytest.mark.parametrize("arguments", [["aks"], ["ask"], ["ask", "why?", "--no-such"], ["keys", "make"]])
def test_a_command_used_wrongly_ends_with_2(shell: Shell, arguments: list[str]) -> None:
    told = shell(*arguments)
    assert told.exit_code == 2
    assert "Usage:" in told.stderr


def test_a_command_of_the_checkout_says_so_where_there_is_none() -> None:
    """As in the service's image, which holds the package alone."""
    code = "import sys\nsys.modules['ops'] = None\nfrom service.cli.main import main\nmain(['checkpoint', 'list'])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2, ended.stderr
    assert "`checkpoint` is a command of a checkout" in ended.stderr


def test_a_failure_is_told_without_a_trace_back(shell: Shell) -> None:
    shell.fakes.corpus.failures.append(DependencyUnavailable(Dependency.SQLITE, "the disk is gone; mount it"))
    (shell.folder / "a.md").write_text("text")
    told = shell("ingest", str(shell.folder / "a.md"))
    assert told.exit_code == 1
    assert "the disk is gone; mount it" in told.stderr
    assert "Traceback" not in told.output


def test_what_nobody_foresaw_names_its_kind_only(shell: Shell) -> None:
    shell.fakes.asker.script = [RuntimeError("a secret")]
    told = shell("ask", "why?")
    assert told.exit_code == 1
    assert "RuntimeError" in told.stderr
    assert "--debug" in told.stderr
    assert "a secret" not in told.output


def test_debug_lets_the_trace_back_through(shell: Shell) -> None:
    shell.fakes.asker.script = [RuntimeError("a fault")]
    told = shell("--debug", "ask", "why?")
    assert isinstance(told.exception, RuntimeError)


def test_bad_settings_are_told_by_variable(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from service.cli.main import main; main(['version'])"
    monkeypatch.setenv("RAG_SERVER__PROT", "1")
    monkeypatch.setenv("RAG_SERVER__PORT", "x")
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "RAG_SERVER__PROT: no setting has this name; did you mean RAG_SERVER__PORT?" in ended.stderr
    assert "RAG_SERVER__PORT: input should be a valid integer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_ctrl_c_ends_with_130(shell: Shell) -> None:
    shell.fakes.asker.script = [KeyboardInterrupt()]
    told = shell("ask", "why?")
    assert told.exit_code == 130
    assert shell.fakes.closed == 1
