"""The runbook's commands for silences, as they stand there, in a real Alertmanager."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest

from ops.stack.process import wait_until
from tests.components.alertmanager_api import AlertmanagerApi
from tests.components.fixtures import require
from tests.config.runbook import FILLED, lines, pages, part, text
from tests.config.running_alertmanager import running

ADDRESS = "http://localhost:9093"
TOOL_S, SILENT_S = 30, 20.0
SILENCES = {
    name: command
    for name, page in pages().items()
    for command in lines(part(page, "Silence"), "sh")
    if "silence add" in command
}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerApi]:
    with running(tmp_path_factory.mktemp("alertmanager")) as api:
        yield api


def _typed(command: str, at: AlertmanagerApi) -> str:
    """What the command says, with its words filled in by somebody in a shell."""
    assert ADDRESS in command
    for word, example in FILLED.items():
        command = re.sub(rf"\b{word}\b", example, command)
    shell = f'amtool() {{ {shlex.quote(str(require("amtool")))} "$@"; }}; {command.replace(ADDRESS, at.url)}'
    run = subprocess.run(
        ["bash", "-c", shell],
        env=os.environ | {"USER": "operator"},
        capture_output=True,
        text=True,
        timeout=TOOL_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _labels(command: str) -> dict[str, str]:
    words = shlex.split(command.partition("silence add ")[2])
    labels = dict(word.split("=", 1) for word in words if not word.startswith("-"))
    return {name: FILLED.get(value, value) for name, value in labels.items()}


def _is_silent(at: AlertmanagerApi, labels: dict[str, str]) -> bool:
    (alert,) = (one for one in at.alerts(**labels) if one["labels"] == labels)
    return bool(alert["status"]["silencedBy"])


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(SILENCES))
def test_a_silence_is_taken_and_hits_its_alert_alone(alertmanager: AlertmanagerApi, name: str) -> None:
    labels = _labels(SILENCES[name])
    others = [labels | {one: "another"} for one in labels]
    for each in (labels, *others):
        alertmanager.fire(**each)
    _typed(SILENCES[name], alertmanager)
    wait_until(lambda: _is_silent(alertmanager, labels), SILENT_S, "it is silent")
    assert [other for other in others if _is_silent(alertmanager, other)] == []


@pytest.mark.real
def test_silences_are_listed_and_ended_as_it_says(alertmanager: AlertmanagerApi) -> None:
    commands = [line for line in lines(text(), "sh") if line.startswith("amtool ") and "silence add" not in line]
    general = [line for line in commands if not line.endswith("check-config prometheus/alertmanager.yml")]
    silence = _typed(SILENCES["TempoDown"], alertmanager).strip()
    assert any(silence in _typed(line, alertmanager) for line in general if line.endswith("silence query"))
    for line in general:
        _typed(re.sub(r"\bID\b", silence, line), alertmanager)
    listed = _typed(f"amtool --alertmanager.url={ADDRESS} silence query", alertmanager)
    assert silence not in listed
