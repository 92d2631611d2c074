"""What tests do with a service that runs, whoever started it."""

import json
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.server_sent import events_of

REQUEST_S = 60.0
LOG_LINES = 30
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class ServiceClient:
    """A service at `url` whose metrics are at `metrics_port` and whose log is the file `log`. `close` it in the end."""

    def __init__(self, url: str, metrics_port: int, log: Path) -> None:
        self.url = url
        self.metrics_port = metrics_port
        self._log = log
        self.client = httpx.Client(base_url=url, timeout=REQUEST_S, trust_env=False)

    def ask(self, query: str, **fields: Any) -> dict[str, Any]:
        """One answer; fails the test on any status but 200."""
        reply = self.client.post("/ask", json={"query": query, **fields})
        assert reply.status_code == 200, f"{reply.status_code} {reply.text}\n{self.log_end()}"
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
        lines = self._log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def log_end(self) -> str:
        """The last lines of its log, with a heading."""
        lines = self._log.read_text(errors="replace").splitlines()
        return f"--- last lines of {self._log} ---\n" + "\n".join(lines[-LOG_LINES:])

    def close(self) -> None:
        self.client.close()
