"""`emini-rag drill`."""

import json
from collections.abc import Callable

import pytest

from service.cli.drill.drills import DRILLS
from service.services import About
from tests.fakes.drill_parts import FakeModels
from tests.fakes.http_service import listening
from tests.unit.cli.conftest import Shell

LABELS = {"deployment_environment_name": "development"}
KEPT = "small:1b-emini-rag-drill"


def in_environment(shell: Shell, environment: str) -> None:
    shell.fakes.about = About("emini-rag", "1", "abc", environment)
    shell.changes["environment"] = environment


@pytest.fixture
def development(shell: Shell, service: Callable[[], str]) -> Shell:
    """A shell whose settings name a running development instance."""
    return shell


@pytest.fixture(autouse=True)
def about(shell: Shell) -> None:
    """Before the service is built."""
    in_environment(shell, "development")


def test_every_drill_is_listed_with_its_alert(shell: Shell) -> None:
    told = shell("drill", "list")
    assert told.exit_code == 0, told.output
    for drill in DRILLS.values():
        assert any({drill.name, drill.alert} <= set(line.split()) for line in told.stdout.splitlines())
    assert "No development instance was found" in told.stderr
    assert [one["name"] for one in json.loads(shell("drill", "list", "--json").stdout)] == list(DRILLS)


def test_what_a_killed_drill_left_is_put_back_by_the_list(development: Shell) -> None:
    with FakeModels() as ollama:
        ollama.digests[KEPT] = ollama.digests.pop("small:1b")
        told = development("drill", "list", "--ollama", ollama.url)
        assert told.stderr == "Left by an interrupted drill: small:1b was put back.\n"
        assert "small:1b" in ollama.digests


def test_production_is_refused_with_the_reason(shell: Shell) -> None:
    in_environment(shell, "production")
    with listening(shell.fakes) as url:
        told = shell("drill", "run", "ollama-down", "--url", url)
    assert told.exit_code == 2
    assert "a drill breaks things on purpose, and this is production" in told.stderr
    assert told.stdout == ""


def test_an_unknown_drill_is_refused_with_those_there_are(shell: Shell) -> None:
    told = shell("drill", "run", "fire")
    assert told.exit_code == 2
    assert "slow-model" in told.stderr


def test_without_a_service_it_says_so(shell: Shell) -> None:
    assert shell("drill", "run", "ollama-down").exit_code == 3


def test_a_drill_of_processes_needs_to_see_them(development: Shell) -> None:
    told = development("drill", "run", "chroma-down")
    assert told.exit_code == 1
    assert "uses no Chroma server" in told.stderr or "was not found" in told.stderr
