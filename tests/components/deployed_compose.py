"""A service in Docker, and the commands that exchange its version: what `deployed.py` is for one without Docker.

Only the service and Chroma run. Without models it quotes, so that nothing else has to be there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx

from ops.compose.files import PRODUCTION
from ops.rollout.pointer import FOLDER
from ops.stack.process import wait_until
from tests.components.compose_project import ComposeProject
from tests.components.docker_engine import Docker
from tests.components.docker_images import Images, make_chroma
from tests.components.versions import Versions

DEPLOY_S = 300.0
START_S = 120.0
_REQUEST_S = 30.0
BRIEF = ("--watch", "3s", "--per-s", "20", "--rounds", "2", "--ready", "120")
# A build needs the network of the host where the engine has none of its own, as in ComposeProject.
_PROGRAM = '#!/bin/sh\ncase "$1" in build) shift; set -- build --network=host "$@";; esac\nexec {docker} "$@"\n'


class DeployedCompose:
    """Used in `with`: production of the repository of `versions`, at its version `main`."""

    def __init__(self, docker: Docker, images: Images, versions: Versions, folder: Path) -> None:
        self.versions = versions
        self.records = versions.folder / "data" / f"{FOLDER}-{PRODUCTION.project}"
        self._docker = docker
        self._images = images
        self._folder = folder
        program = folder / "docker"
        program.write_text(_PROGRAM.format(docker=shutil.which("docker")))
        program.chmod(0o755)
        settings = {"REVISION": versions.commit("main")}
        self.project = ComposeProject(docker, images, versions.folder, PRODUCTION, settings=settings)

    def __enter__(self) -> Self:
        try:
            self.project.compose("build", "rag-service", timeout_s=600)
            make_chroma(self._docker, self._images, "emini-rag:latest")
            self.project.compose("up", "--no-build", "--no-deps", "prepare")
            self.project.compose("up", "--detach", "--no-build", "--no-deps", "chromadb", "rag-service")
            self.url = self.project.url("rag-service", 8001)
            wait_until(self.ready, START_S, "the service is ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.project.remove()
        for image in self._docker.lines("image", "ls", "--quiet", PRODUCTION.project):
            self._docker.try_run("image", "rm", "--force", image)

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """`emini-rag WORDS --compose production` from the repository, begun."""
        where = ("--compose", "production", "--url", self.url, "--prometheus", "http://127.0.0.1:9")
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "service.cli.main", *words, *where],
            cwd=self.versions.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """The exit status and everything that it said."""
        with self.begin(*words) as process:
            try:
                said, _ = process.communicate(timeout=DEPLOY_S)
            finally:
                process.kill()
        return process.returncode, said

    def deploy(self, version: str, *words: str) -> tuple[int, str]:
        """`emini-rag deploy` with a brief watch."""
        return self.run("deploy", version, *BRIEF, *words)

    def await_step(self, step: str, deploy: "subprocess.Popen[str]") -> None:
        """Until the deploy is there."""
        path, begun = self.records / "journal.json", f'"doing": "{step}"'
        there = lambda: path.exists() and begun in path.read_text()  # noqa: E731
        wait_until(there, DEPLOY_S, f"the deploy is at {step}", lambda: deploy.poll() is None)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.records / "log.jsonl").read_text().splitlines()]

    @property
    def commit(self) -> str:
        """The start of that which answers, by its own version."""
        version = httpx.get(f"{self.url}/healthz", timeout=_REQUEST_S, trust_env=False).json()["version"]
        return str(version).partition("+")[2]

    def image_of(self, name: str) -> str:
        """The id behind a name; empty when there is none."""
        return next(iter(self._docker.lines("image", "ls", "--quiet", "--no-trunc", name)), "")

    def documents(self) -> set[str]:
        reply = httpx.get(f"{self.url}/documents", timeout=_REQUEST_S, trust_env=False)
        return {one["id"] for one in reply.json()["documents"]}

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=_REQUEST_S, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _environment(self) -> dict[str, str]:
        return {
            **self._docker.environment,
            **self._images.environment,
            "PATH": f"{self._folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(self.versions.folder),
        }
