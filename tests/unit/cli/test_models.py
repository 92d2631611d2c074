"""`emini-rag models`."""

import json
from dataclasses import replace

import pytest

from service.cli.models import roles
from service.errors import BadDependencyReply, Dependency, DependencyUnavailable, ErrorKind
from service.settings import Routing, Settings, TierModels
from tests.fakes.model_directory import snapshot_of
from tests.unit.cli.conftest import Shell

SMALL, MID, EMBEDDER = "llama3.2:3b", "llama3.1:latest", "nomic-embed-text"


@pytest.fixture(autouse=True)
def reachable(shell: Shell) -> None:
    shell.store.current = snapshot_of({SMALL: True}, sizes={SMALL: 2 << 30}, missing=(MID, EMBEDDER))


def test_the_list_tells_state_use_and_how_to_get_what_is_missing(shell: Shell) -> None:
    models = dict(shell.store.current.models)
    models[SMALL] = replace(models[SMALL], vram_bytes=1 << 30, parameter_size="3.2B", quantization="Q4_K_M")
    shell.store.current = replace(shell.store.current, models=models)
    told = shell("models", "list")
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert lines[1].split("  ")[0] == SMALL
    for words in ("simple", "yes, 1.0 GiB on the GPU", "2.0 GiB", "3.2B Q4_K_M"):
        assert words in lines[1]
    assert f"{MID} is missing: run `emini-rag models pull {MID}`" in told.stdout
    assert shell.store.calls == ["refresh"]
    assert (shell.store.opened, shell.store.closed) == (1, 1)


def test_the_list_as_json(shell: Shell) -> None:
    found = json.loads(shell("models", "list", "--json").stdout)
    assert found["reachable"]
    assert [(one["name"], one["installed"], one["for"]) for one in found["models"]] == [
        (SMALL, True, ["simple"]),
        (MID, False, ["medium"]),
        (EMBEDDER, False, ["embedding"]),
    ]


@pytest.mark.parametrize("command", [["list"], ["pull", SMALL], ["pull", "--all"]])
def test_without_ollama_it_says_what_to_do(shell: Shell, command: list[str]) -> None:
    shell.store.current = replace(shell.store.current, reachable=False)
    told = shell("models", *command)
    assert told.exit_code == 1
    assert "ollama serve" in told.stderr


def test_one_model_is_pulled(shell: Shell) -> None:
    told = shell("models", "pull", MID)
    assert (told.exit_code, told.stdout) == (0, f"{MID} is installed.\n")
    assert shell.store.calls == ["refresh", f"pull {MID}"]


def test_all_pulls_what_is_missing_and_goes_on_after_a_failure(shell: Shell) -> None:
    detail = f"{MID} was not downloaded: no space left on device"
    shell.store.pull_errors[MID] = BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.OLLAMA, detail)
    told = shell("models", "pull", "--all")
    assert told.exit_code == 1
    assert detail in told.stderr
    assert told.stdout == f"{EMBEDDER} is installed.\n"


def test_all_with_nothing_missing_says_so(shell: Shell) -> None:
    shell.store.current = snapshot_of({SMALL: True})
    told = shell("models", "pull", "--all")
    assert (told.exit_code, told.stdout) == (0, "Every configured model is installed.\n")


@pytest.mark.parametrize("command", [["pull", "../evil"], ["preload", "other:1b"]])
def test_only_configured_models_are_touched(shell: Shell, command: list[str]) -> None:
    told = shell("models", *command)
    assert told.exit_code == 2
    assert "RAG_ROUTING__EXTRA_MODELS" in told.stderr
    assert shell.store.calls == []


@pytest.mark.parametrize("command", [["pull"], ["pull", MID, "--all"]])
def test_pull_wants_one_name_or_all(shell: Shell, command: list[str]) -> None:
    assert shell("models", *command).exit_code == 2


def test_preload_loads(shell: Shell) -> None:
    told = shell("models", "preload", SMALL)
    assert told.exit_code == 0, told.output
    assert f"{SMALL} is loaded" in told.stdout
    assert shell.store.calls == [f"preload {SMALL}"]


def test_preload_that_fails_is_told(shell: Shell) -> None:
    shell.store.preload_errors.append(DependencyUnavailable(Dependency.OLLAMA, "Ollama cannot be reached: start it"))
    told = shell("models", "preload", SMALL)
    assert told.exit_code == 1
    assert "start it" in told.stderr
    assert shell.store.closed == 1


def test_roles() -> None:
    settings = Settings(routing=Routing(models=TierModels(simple="one", medium="one"), extra_models=("extra",)))
    assert roles(settings, "one") == ["simple", "medium"]
    assert roles(settings, "extra") == ["by name"]
    assert roles(settings, EMBEDDER) == ["embedding"]
