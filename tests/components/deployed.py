"""One service under the stack's own supervision, and the commands that exchange its version."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from ops.rollout import pointer
from ops.rollout.pointer import FOLDER
from ops.rollout.processes import is_alive
from ops.stack import plans
from ops.stack.ports import Ports
from ops.stack.process import wait_until
from ops.stack.stack import Stack
from ops.stack.supervise import Supervisor
from tests.components.service_client import ServiceClient

DEPLOY_S = 180.0
_BRIEF = ("--watch", "3s", "--per-s", "20", "--rounds", "12")


class Deployed:
    """Used in `with`: a service in `folder`, supervised, of which `checkout` is the repository that it is deployed
    from. Its model answers by rule. `with_` names further parts."""

    def __init__(self, folder: Path, checkout: Path, with_: tuple[str, ...] = (), *, rules: Path | None = None) -> None:
        self.data = folder / "data"
        self.records = self.data / FOLDER
        self.checkout = checkout
        self.said: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._queries = folder / "questions.txt"
        self._queries.write_text("What is a stop order?\n")
        self.stack = Stack(
            folder / "stack",
            Ports.free(),
            "development",
            data=self.data,
            without=[part for part in plans.WITHOUT if part not in with_],
            extra={"service": {"RAG_OLLAMA__URL": "scripted:"}},
            scrape_interval="1s",
            rules=rules,
        )
        part = self.stack.parts["service"]
        self.service = ServiceClient(part.url, self.stack.site.ports.service_metrics, part.log)
        self._supervisor = Supervisor(self.stack.parts.values(), time.monotonic, self.said.append)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self.stack.start()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(30)
        self.service.close()
        self.stack.stop()
        # One that a deploy has started itself has no supervisor.
        last = pointer.launched(self.records)
        if last is not None and is_alive(last.pid):
            os.kill(last.pid, signal.SIGKILL)

    def command(self, *words: str, checkout: Path | None = None) -> "subprocess.Popen[str]":
        """`emini-rag WORDS` from the repository, begun."""
        place = checkout or self.checkout
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "service.cli.main", *words],
            cwd=self.data.parent,
            env={**self._environment(), "PYTHONPATH": str(place)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, checkout: Path | None = None) -> tuple[int, str]:
        """The exit status and everything that it said."""
        with self.command(*words, checkout=checkout) as process:
            try:
                said, _ = process.communicate(timeout=DEPLOY_S)
            finally:
                process.kill()
        return process.returncode, said

    def deploy(self, version: str, *words: str, checkout: Path | None = None) -> tuple[int, str]:
        """`emini-rag deploy` with a brief watch, and one question again and again: enough answers of one model soon."""
        return self.run("deploy", version, *self.brief, *words, checkout=checkout)

    def begin(self, version: str, *words: str) -> "subprocess.Popen[str]":
        return self.command("deploy", version, *self.brief, *words)

    @property
    def brief(self) -> tuple[str, ...]:
        return (*_BRIEF, "--queries", str(self._queries), "--prometheus", self.prometheus)

    def await_step(self, step: str, deploy: "subprocess.Popen[str]") -> None:
        """Until the deploy is there."""
        there = lambda: self.journal().get("doing") == step  # noqa: E731
        wait_until(there, DEPLOY_S, f"the deploy is at {step}", lambda: deploy.poll() is None)

    def journal(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.records / "journal.json").read_text()))
        except FileNotFoundError:
            return {}

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.records / "log.jsonl").read_text().splitlines()]

    @property
    def prometheus(self) -> str:
        part = self.stack.parts.get("prometheus")
        return part.url if part else "http://127.0.0.1:9"

    @property
    def revision(self) -> str:
        """Of the version that runs, by what was launched last."""
        last = pointer.launched(self.records)
        return Path(last.place).name if last else ""

    @property
    def version(self) -> str:
        """That which answers, by its own words."""
        return str(self.service.client.get("/healthz").json()["version"])

    def documents(self) -> set[str]:
        return {one["id"] for one in self.service.client.get("/documents").json()["documents"]}

    def ready(self) -> bool:
        try:
            return self.service.client.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def _environment(self) -> Mapping[str, str]:
        ports = self.stack.site.ports
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.data.parent),
            "ENVIRONMENT": "development",
            "RAG_DATA_DIR": str(self.data),
            "RAG_SERVER__PORT": str(ports.service),
            "RAG_METRICS__PORT": str(ports.service_metrics),
            "RAG_OLLAMA__URL": "scripted:",
        }

    def _supervise(self) -> None:
        while not self._over.wait(0.1):
            self._supervisor.look()
