"""The service itself as a user starts it: `python -m service` in a process of its own, on free loopback ports."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from ops.stack.process import Component, Process, answers, free_port
from tests.server_sent import events_of

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
REQUEST_S = 60.0
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# A dead port: what is configured and not there.
NOWHERE = "http://127.0.0.1:9"


class RunningService(Component):
    """The service with its data in `folder`. `environment` adds to or replaces what it is started with.

    Without an entry for it there is no Ollama. After `kill` or `stop`, `start` brings it back with the same data.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.metrics_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        started_with = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "RAG_SERVER__PORT": str(self.port),
            "RAG_METRICS__PORT": str(self.metrics_port),
            "RAG_DATA_DIR": str(self.data),
            "RAG_DOCUMENTS_DIR": str(ROOT / "documents"),
            "RAG_OLLAMA__URL": NOWHERE,
            **(environment or {}),
        }
        self.environment = started_with
        self._process = Process([sys.executable, "-m", "service"], started_with, folder, folder / "service.log")
        self.client = httpx.Client(base_url=self.url, timeout=REQUEST_S, trust_env=False)

    def start(self) -> None:
        """Start, and wait until it is ready: the documents are then in."""
        self._process.start(lambda: answers(f"{self.url}/readyz"), START_S)

    def stop(self, timeout_s: float = 20.0) -> None:
        """End it in order (SIGTERM)."""
        self._process.stop(timeout_s)

    def ask(self, query: str, **fields: Any) -> dict[str, Any]:
        """One answer; fails the test on any status but 200."""
        reply = self.client.post("/ask", json={"query": query, **fields})
        assert reply.status_code == 200, f"{reply.status_code} {reply.text}\n{self._process.tail()}"
        return dict(reply.json())

    def stream(self, query: str, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
        """Every server-sent event of one answer as (event, data)."""
        body = {"query": query, "stream": True, **fields}
        reply = self.client.post("/ask", json=body)
        assert reply.status_code == 200, reply.text
        return events_of(reply.text)

    def samples(self) -> list[Sample]:
        """Every sample of the metrics listener, exemplars included."""
        reply = httpx.get(
            f"http://127.0.0.1:{self.metrics_port}/metrics",
            headers={"accept": OPENMETRICS},
            trust_env=False,
            timeout=REQUEST_S,
        )
        assert reply.status_code == 200, reply.text
        return [sample for family in text_string_to_metric_families(reply.text) for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """Sum of the samples of `name` that have these labels; 0 when there is none."""
        return sum(
            sample.value for sample in self.samples() if sample.name == name and labels.items() <= sample.labels.items()
        )

    def embedded(self) -> bool:
        """Whether every document has its vectors, and these are searched."""
        state = self.client.get("/documents").json()
        return bool(state["documents"]) and bool(state["embedder"]) and state["pending_vectors"] == 0

    def log_lines(self) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def __exit__(self, *error: object) -> None:
        self.client.close()
        self.stop()


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[RunningService]:
    """A service for one test. Keyword names are environment variables."""
    with RunningService(folder, environment) as running:
        yield running
