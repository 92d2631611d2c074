"""From options and settings to what is worked on."""

from pathlib import Path
from typing import Any

import pytest

from ops.checkpoint.choosing import Choice, Chosen
from ops.checkpoint.compose_installation import ComposeInstallation
from ops.checkpoint.installation import NativeInstallation
from ops.checkpoint.store import FolderStore
from ops.compose.docker import Docker
from ops.stack.site import ROOT
from service.cli.failures import Failure
from service.cli.surroundings import Surroundings
from service.settings import Settings
from tests.fakes.clock import ManualClock
from tests.fakes.docker_program import DockerProgram


def chosen(tmp_path: Path, choice: Choice, docker: Docker | None = None, **settings: Any) -> Chosen:
    given = Settings(**({"data_dir": tmp_path / "data", "environment": "production"} | settings))
    return Chosen(Surroundings(load_settings=lambda: given, clock=ManualClock()), choice, docker)


def test_the_settings_say_where_it_is(tmp_path: Path) -> None:
    made = chosen(tmp_path, Choice())
    assert made.archive.folder == tmp_path / "data" / "checkpoints"
    assert made.records.folder == tmp_path / "data" / "rollout"
    installation = made.installation()
    assert isinstance(installation, NativeInstallation)
    assert isinstance(installation.store, FolderStore)
    assert installation.store.vectors == tmp_path / "data" / "chroma"
    assert made.prometheus == "http://127.0.0.1:9090"
    with made.making(installation) as making:
        assert making.live.url == "http://127.0.0.1:8001"
        assert making.environment == "production"


def test_options_say_otherwise(tmp_path: Path) -> None:
    choice = Choice(tmp_path / "other", tmp_path / "all", url="http://127.0.0.1:1", prometheus="http://127.0.0.1:2")
    made = chosen(tmp_path, choice, environment="development")
    assert (made.archive.folder, made.prometheus) == (tmp_path / "all", "http://127.0.0.1:2")
    assert made.installation().label == f"data folder {tmp_path / 'other'}"


def test_vectors_on_a_server_are_where_somebody_says(tmp_path: Path) -> None:
    remote = {"chroma": {"url": "http://127.0.0.1:8000"}}
    store = chosen(tmp_path, Choice(), **remote).installation().store
    assert isinstance(store, FolderStore)
    assert store.vectors is None
    store = chosen(tmp_path, Choice(chroma_folder=tmp_path / "server"), **remote).installation().store
    assert isinstance(store, FolderStore)
    assert store.vectors == tmp_path / "server"


def test_an_installation_in_docker(tmp_path: Path) -> None:
    program = DockerProgram(tmp_path / "bin")
    made = chosen(tmp_path, Choice(compose="development"), program.client(ROOT))
    assert isinstance(made.installation(), ComposeInstallation)
    assert made.archive.folder == ROOT / "data" / "checkpoints-emini-rag-dev"
    assert made.records.folder == ROOT / "data" / "rollout-emini-rag-dev"
    assert (made.environment, made.prometheus) == ("development", "http://127.0.0.1:9092")
    with made.making(made.installation()) as making:
        assert making.live.url == "http://127.0.0.1:8002"


def test_what_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no installation staging"):
        chosen(tmp_path, Choice(compose="staging"))
    program = DockerProgram(tmp_path / "bin")
    program.says("info", status=1, err="Cannot connect to the Docker daemon")
    with pytest.raises(Failure, match="Docker cannot be used"):
        chosen(tmp_path, Choice(compose="production"), program.client(ROOT)).installation()


def test_names_sort_as_they_are_made(tmp_path: Path) -> None:
    made = chosen(tmp_path, Choice())
    assert made.new_name("before-").startswith("before-")
    assert len(made.new_name()) == len("20260101-000000")
