"""Checkpoints of Docker volumes, by a real engine: the helper container does what the native commands do.

The helper's image stands in for the service's own: a Debian with Python and the few packages that the helper takes.
Nothing of the installation runs, so what is asked over HTTP is not part of it: that is tests/e2e/test_checkpoint.py.
"""

import io
import os
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from ops.checkpoint.archive import Archive
from ops.checkpoint.code_state import Repository
from ops.checkpoint.compose_installation import ComposeInstallation
from ops.checkpoint.creating import Making, Wish
from ops.checkpoint.live_service import LiveService
from ops.checkpoint.restoring import Restoring
from ops.checkpoint.screen import Screen
from ops.compose.docker import Docker as Program
from ops.compose.files import PRODUCTION, ROOT
from ops.stack.process import free_port
from service.cli.client import ServiceClient
from service.clock import SystemClock
from service.store_swap import Phase
from tests.components import docker_base
from tests.components.docker_base import PYTHON, base_image, with_files
from tests.components.docker_engine import Docker
from tests.components.docker_fixtures import unavailable
from tests.unit.ops.checkpoint.stand import DOCUMENTS, fill

BASE, IMAGE = "emini-rag.test/helper-base:local", "emini-rag:latest"
VOLUMES = {"emini-rag_rag_data": "corpus", "emini-rag_chroma_data": "vectors"}
OWNER = 10001
# What the helper imports beside this checkout and the standard library, with what those need.
PACKAGES = (
    "rich", "pygments", "markdown_it", "mdurl", "pydantic", "pydantic_core", "pydantic_settings", "annotated_types",
    "typing_inspection", "typing_extensions.py", "dotenv",
)  # fmt: skip


@pytest.fixture(scope="module")
def image(docker: Docker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if reason := docker_base.why_none():
        unavailable(reason)
    folder = tmp_path_factory.mktemp("image")
    packages = folder / "dist-packages"
    packages.mkdir()
    site = Path(sysconfig.get_path("purelib"))
    for name in PACKAGES:
        copy = shutil.copytree if (site / name).is_dir() else shutil.copy2
        copy(site / name, packages / name)
    python = folder / "python"
    python.write_text('#!/bin/sh\nexec /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    base_image(docker, BASE, PYTHON)
    files = {packages: "/usr/local/lib/python3.11/", python: "/usr/local/bin/python"}
    with_files(docker, BASE, IMAGE, files, f"USER {OWNER}:{OWNER}", "HEALTHCHECK CMD false")
    yield IMAGE
    for name in (IMAGE, BASE):
        docker.try_run("image", "rm", "--force", name)


@pytest.fixture
def volumes(docker: Docker, image: str, tmp_path: Path) -> Iterator[None]:
    """Filled as the services fill them, and theirs."""
    data = tmp_path / "data"
    fill(data)
    (data / "chroma" / "owner.lock").unlink()
    parts = {"corpus": tmp_path / "corpus", "vectors": tmp_path / "vectors"}
    (data / "chroma").rename(parts["vectors"])
    data.rename(parts["corpus"])
    for volume, part in VOLUMES.items():
        docker.run("volume", "create", volume)
        _in_volume(docker, volume, f"cp -a /given/. /v/ && chown -R {OWNER}:{OWNER} /v", parts[part])
    yield
    for volume in VOLUMES:
        docker.try_run("volume", "rm", "--force", volume)


def _in_volume(docker: Docker, volume: str, script: str, given: Path | None = None) -> str:
    mounts = [f"--volume={volume}:/v", *([f"--volume={given}:/given:ro"] if given else [])]
    words = ["run", "--rm", "--network=none", "--user=0:0", *mounts, "--entrypoint=sh", IMAGE, "-c", script]
    return docker.run(*words)


def _owners(docker: Docker) -> set[str]:
    found = {_in_volume(docker, volume, "find /v -printf '%u\\n' | sort -u") for volume in VOLUMES}
    return {line for one in found for line in one.splitlines()}


@pytest.fixture
def making(docker: Docker, volumes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Making]:
    monkeypatch.setenv("DOCKER_HOST", docker.host)
    clock = SystemClock()
    (tmp_path / "repository").mkdir()
    with ServiceClient(f"http://127.0.0.1:{free_port()}", timeout_s=5.0) as client:
        yield Making(
            archive=Archive(tmp_path / "checkpoints"),
            installation=ComposeInstallation(Program(root=ROOT), PRODUCTION),
            live=LiveService(client, clock),
            repository=Repository(tmp_path / "repository"),
            configuration={"settings": {}},
            environment="production",
            screen=Screen(Console(file=io.StringIO()), clock),
            clock=clock,
        )


def test_volumes_are_kept_and_brought_back(making: Making, docker: Docker) -> None:
    store = making.installation.store
    with making.archive.changing():
        made = making.create(Wish("first"))
        assert made.corpus["documents"] == DOCUMENTS
        assert made.corpus["found_themselves"] == made.corpus["looked_for"] > 0
        assert next(one["id"] for one in made.images if one["service"] == PRODUCTION.service).startswith("sha256:")
        assert {path.stat().st_uid for path in (making.archive.folder / "first").rglob("*")} == {os.getuid()}
        # Everything is lost but what the volume is called.
        for volume in VOLUMES:
            _in_volume(docker, volume, "find /v -mindepth 1 -not -name lock -delete")
        assert store.look().identity == ""
        Restoring(making).restore("first")
        assert store.journal() is None
        again = making.create(Wish("again"))
    assert again.corpus | {"version": 0} == made.corpus | {"version": 0}
    assert _owners(docker) == {str(OWNER)}
    left = {name for volume in VOLUMES for name in _in_volume(docker, volume, "ls -A /v").splitlines()}
    assert not left & {".restore", "restore.json"}


def test_an_exchange_that_was_interrupted_is_finished(making: Making, docker: Docker) -> None:
    store = making.installation.store
    with making.archive.changing():
        making.create(Wish("first"))
        _in_volume(docker, "emini-rag_chroma_data", "rm -rf /v/*")
        store.stage(making.archive.folder / "first")
        with store.exclusive():
            store.begin("first")
        journal = store.journal()
        assert journal is not None
        assert (journal.phase, journal.vectors) == (Phase.FORWARD, "/volumes/vectors")
        assert Restoring(making).recover() == "first"
        assert making.create(Wish("again")).corpus["documents"] == DOCUMENTS
    assert _owners(docker) == {str(OWNER)}
