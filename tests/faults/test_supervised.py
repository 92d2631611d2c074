"""Started, ended and replaced by a supervisor: in order, by either signal, with the data folder handed over."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.stack.process import Process, answers, wait_until
from service.data_folder import LOCK_NAME, DataFolder
from tests.components.service import ROOT, RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama
from tests.faults.stand import MODEL, PATIENCE_S, answering, assert_calm, environment, question

SIGNALS = [signal.SIGTERM, signal.SIGINT]


@contextmanager
def started(service: RunningService) -> Iterator[subprocess.Popen[bytes]]:
    """Its process alone, as a supervisor has it, ready or not."""
    with service.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"], env=service.environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def told(service: RunningService) -> list[str]:
    return [line["message"] for line in service.log_lines()]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_either_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    service = RunningService(tmp_path)
    with started(service) as process:
        wait_until(lambda: answers(f"{service.url}/readyz"), PATIENCE_S, "it is ready")
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    assert told(service)[-1] == "stopped"
    assert_calm(service)
    with DataFolder(service.data, min_free_bytes=0):
        """Nobody holds it."""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_either_signal_ends_a_start_in_order(tmp_path: Path, number: signal.Signals) -> None:
    service = RunningService(tmp_path)
    with DataFolder(service.data, min_free_bytes=0) as predecessor:
        predecessor.sign_off()
        with started(service) as process:
            wait_until(lambda: any("waiting" in line for line in told(service)), PATIENCE_S, "it waits for the folder")
            process.send_signal(number)
            assert process.wait(PATIENCE_S) == 0
    assert told(service)[-1] == "stopped before it was ready"
    assert_calm(service)


def test_the_next_one_waits_for_the_folder_of_one_that_is_still_answering(tmp_path: Path) -> None:
    with (
        FakeOllama([FakeModel(MODEL, resident=True)]).in_thread() as ollama,
        answering(tmp_path / "first", ollama) as first,
    ):
        settings = {**environment(tmp_path / "next", ollama), "RAG_DATA_DIR": str(first.data)}
        successor = RunningService(tmp_path / "next", settings)
        ollama.model(MODEL).token_s = 0.4
        answers_of_first: list[str] = []
        asking = threading.Thread(target=lambda: answers_of_first.append(first.ask(question(1))["mode"]))
        asking.start()
        wait_until(lambda: ollama.running[MODEL] == 1, PATIENCE_S, "the first one answers")
        os.kill(first.pid, signal.SIGTERM)
        wait_until(lambda: not answers(f"{first.url}/readyz"), PATIENCE_S, "the first one drains")
        with successor:
            assert not first.running
            assert any("waiting for the data folder" in line for line in told(successor))
            ollama.model(MODEL).token_s = 0.0
            assert successor.ask(question(1))["cache"]["result"] == "hit"
        asking.join(PATIENCE_S)
        # What was being answered was answered to its end.
        assert answers_of_first == ["generated"]
        assert_calm(first)
        assert_calm(successor)


@pytest.mark.slow
def test_live_reload_restarts_it_on_a_change_and_on_the_repair_of_a_broken_one(tmp_path: Path) -> None:
    service = RunningService(tmp_path / "run", {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"})
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "service", tmp_path / "service", ignore=ignore)
    command = ["-m", "watchfiles", "--filter", "python", "--sigint-timeout", "15", "python -m service"]
    path = f"{Path(sys.executable).parent}:{service.environment['PATH']}"
    watching = Process(
        [sys.executable, *command, str(tmp_path / "service")],
        {**service.environment, "PATH": path},
        tmp_path,
        service.log,
    )

    def pid() -> int:
        try:
            return int(json.loads((service.data / LOCK_NAME).read_bytes())["pid"])
        except ValueError:
            return 0

    def replaced(old: int) -> bool:
        return pid() not in (0, old) and answers(f"{service.url}/readyz")

    module = tmp_path / "service" / "version.py"
    sound = module.read_text()
    try:
        watching.start(lambda: answers(f"{service.url}/readyz"), PATIENCE_S)
        first = pid()
        module.write_text(f"{sound}\n# changed\n")
        wait_until(lambda: replaced(first), PATIENCE_S, "the next one has taken over")
        second = pid()
        module.write_text("this is no Python (")
        wait_until(lambda: "SyntaxError" in service.log.read_text(), PATIENCE_S, "the broken one ends at once")
        module.write_text(sound)
        wait_until(lambda: replaced(second), PATIENCE_S, "the repaired one has taken over")
    finally:
        watching.stop()
    assert not answers(f"{service.url}/healthz")
