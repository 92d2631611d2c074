"""What the operator reads: every address, what is missing and how to get it, and the next step."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ops.stack.ports import Ports
from ops.stack.screen import next_steps, show
from ops.stack.stack import Stack
from tests.fakes.stack_programs import FakePrograms
from tests.unit.ops.stack.samples import Answering, stack


def shown(built: Stack, width: int = 200) -> str:
    out = io.StringIO()
    show(built, Console(file=out, width=width))
    return out.getvalue()


def test_every_part_is_shown_with_its_address(tmp_path: Path) -> None:
    built = stack(tmp_path, FakePrograms(tmp_path), environment="development")
    text = shown(built)
    assert "emini-rag, development" in text
    for part in built.parts.values():
        assert part.name in text
        assert part.url in text
    assert "missing" not in text


def test_what_is_missing_is_shown_with_what_does_not_work_and_the_remedy(tmp_path: Path) -> None:
    built = stack(tmp_path, FakePrograms(tmp_path, absent=("tempo", "prometheus")), without=["grafana"])
    text = shown(built)
    assert "missing: no search over traces" in text
    assert "put the vendor's binary there" in text
    assert "`make components` builds it" in text
    assert "grafana: left out as asked" in text


def test_a_model_server_of_the_users_own_is_told_from_ours(tmp_path: Path) -> None:
    built = stack(tmp_path, FakePrograms(tmp_path), inherited={"RAG_OLLAMA__URL": "http://gpu.example:11434"})
    text = shown(built)
    assert "http://gpu.example:11434" in text
    assert "named in RAG_OLLAMA__URL, not ended with this stack" in text
    assert "already running" not in text
    assert "RAG_OLLAMA__URL=http://gpu.example:11434 .venv/bin/emini-rag models list" in text


def test_a_model_server_that_runs_already_is_shown_as_such(tmp_path: Path) -> None:
    ports = Ports.free()
    with Answering(ports.ollama):
        text = shown(stack(tmp_path, FakePrograms(tmp_path), ports=ports))
    assert f"http://127.0.0.1:{ports.ollama}" in text
    assert "already running, not ended with this stack" in text


def test_the_next_steps_are_those_of_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    whole = stack(tmp_path / "whole", FakePrograms(tmp_path / "whole"))
    heads = [line.partition(":")[0] for line in next_steps(whole)]
    assert heads == ["Ask", "Models", "Grafana", "Logs", "End"]
    steps = "\n".join(next_steps(whole))
    assert f"--url {whole.parts['service'].url}" in steps
    assert "first password in whole/stack/grafana/admin_password" in steps
    small = stack(tmp_path / "small", FakePrograms(tmp_path / "small", absent=("tempo", "grafana", "ollama")))
    assert [line.partition(":")[0] for line in next_steps(small)] == ["Ask", "Traces", "Logs", "End"]
    assert "Traces: small/stack/collector/traces.jsonl" in "\n".join(next_steps(small))


def test_a_file_elsewhere_is_named_in_full(tmp_path: Path) -> None:
    built = stack(tmp_path, FakePrograms(tmp_path))
    assert f"Logs:   {built.folder}/*/*.log" in list(next_steps(built))
