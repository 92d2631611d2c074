"""`emini-rag checkpoint` beside an installation in Docker, as an operator runs it: from the checkout, on its host."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.stack.process import wait_until
from tests.components.compose_project import ComposeProject
from tests.components.docker_engine import DockerFailed

_COMMAND_S = 300.0
_GRAFANA_VOLUME, _IMAGE = "emini-rag_grafana_data", "emini-rag:latest"
# Opens the database as Grafana does, and never stops writing to it.
_WRITER = """\
import sqlite3, time
db = sqlite3.connect("/v/grafana.db", isolation_level=None)
db.execute("PRAGMA journal_mode=wal")
db.execute("CREATE TABLE user (login TEXT)")
while True:
    db.execute("INSERT INTO user VALUES (?)", ("x" * 4000,))
    time.sleep(0.002)
"""
# A restore up to where a kill hits hardest: it is written down that the documents are exchanged, and none is yet.
_HALF = """\
import pathlib, sys
from ops.checkpoint.compose_installation import ComposeInstallation
from ops.compose.docker import Docker
from ops.compose.files import PRODUCTION
installation = ComposeInstallation(Docker(), PRODUCTION)
installation.store.stage(pathlib.Path(sys.argv[1]))
installation.stop()
with installation.store.exclusive():
    installation.store.begin(pathlib.Path(sys.argv[1]).name)
"""


class ComposeCheckpoints:
    """Of `project`, which is production; `archive` is where they are."""

    def __init__(self, project: ComposeProject, archive: Path) -> None:
        self.project = project
        self.archive = archive

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run to its end, whatever that is."""
        verb, *others = words
        options = ["--compose", self.project.installation.name, "--folder", str(self.archive)]
        if verb in {"create", "restore", "recover"}:
            options += ["--url", self.project.url(self.project.installation.service, 8001)]
        return self._run("-m", "service.cli.main", "checkpoint", verb, *others, *options)

    def told(self, *words: str) -> dict[str, Any]:
        """The same with `--json`; fails when the command does."""
        ended = self.command(*words, "--json")
        assert ended.returncode == 0, ended.stderr
        return dict(json.loads(ended.stdout))

    def half_restored(self, name: str) -> None:
        """The service is stopped, and the exchange is begun and not done."""
        ended = self._run("-c", _HALF, str(self.archive / name))
        assert ended.returncode == 0, ended.stderr

    @contextmanager
    def grafana_at_work(self) -> Iterator[None]:
        """What Grafana would do to its database, where its image cannot be had."""
        if "grafana" not in self.project.absent:
            yield
            return
        docker = self.project.docker
        words = ["run", "--detach", "--user=472:0", "--network=none", f"--volume={_GRAFANA_VOLUME}:/v"]
        writer = docker.run(*words, "--entrypoint=python", _IMAGE, "-c", _WRITER)

        def written() -> bool:
            try:
                docker.run("exec", writer, "test", "-s", "/v/grafana.db-wal")
            except DockerFailed:
                return False
            return True

        try:
            wait_until(written, 30, "the database is written to")
            yield
        finally:
            docker.try_run("rm", "--force", writer)

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = self.project.docker.environment | self.project.environment
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.project.checkout,
            env=environment | {"PYTHONPATH": str(self.project.checkout)},
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
