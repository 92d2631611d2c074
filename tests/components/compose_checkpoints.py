"""`emini-rag checkpoint` beside an installation in Docker, as an operator runs it: from the checkout, on its host."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.components.compose_project import ComposeProject

_COMMAND_S = 300.0
# Opens the database as Grafana does, and never stops writing to it.
_WRITER = """
import sqlite3, time
db = sqlite3.connect("/v/grafana.db", isolation_level=None)
db.execute("PRAGMA journal_mode=wal")
db.execute("CREATE TABLE IF NOT EXISTS user (id INTEGER PRIMARY KEY, login TEXT)")
while True:
    db.execute("INSERT INTO user (login) VALUES (?)", ("x" * 4000,))
    time.sleep(0.002)
"""
_WRITER_NAME = "emini-rag.test-grafana"


class ComposeCheckpoints:
    """Works on `project`; `archive` is where checkpoints are."""

    def __init__(self, project: ComposeProject, archive: Path) -> None:
        self.project = project
        self.archive = archive
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(archive.parent),
            "PYTHONPATH": str(project.checkout),
            "DOCKER_HOST": project.docker.host,
            **project.environment,
        }

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run to its end, whatever that is."""
        verb, *others = words
        name = self.project.installation.name
        options = ["--compose", name, "--folder", str(self.archive)]
        if verb in {"create", "restore", "recover"}:
            options += ["--url", self.project.url(self.project.installation.service, 8001)]
        return subprocess.run(
            [sys.executable, "-m", "service.cli.main", "checkpoint", verb, *others, *options],
            cwd=self.project.checkout,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )

    def told(self, *words: str) -> dict[str, Any]:
        """The same with `--json`; fails when the command does."""
        ended = self.command(*words, "--json")
        assert ended.returncode == 0, ended.stderr
        return dict(json.loads(ended.stdout))
