"""The service itself as a user starts it: `python -m service` in a process of its own, on free loopback ports."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ops.stack.process import Component, Process, answers, free_port
from tests.components.service_client import ServiceClient

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
# A dead port: what is configured and not there.
NOWHERE = "http://127.0.0.1:9"


class RunningService(Component, ServiceClient):
    """The service with its data in `folder`. `environment` adds to or replaces what it is started with.

    Without an entry for it there is no Ollama. After `kill` or `stop`, `start` brings it back with the same data.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        ServiceClient.__init__(self, f"http://127.0.0.1:{self.port}", free_port(), folder / "service.log")
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
        self._process = Process([sys.executable, "-m", "service"], started_with, folder, self._log)

    def start(self) -> None:
        """Start, and wait until it is ready: the documents are then in."""
        self._process.start(lambda: answers(f"{self.url}/readyz"), START_S)

    def stop(self, timeout_s: float = 20.0) -> None:
        """End it in order (SIGTERM)."""
        self._process.stop(timeout_s)

    def __exit__(self, *error: object) -> None:
        self.close()
        self.stop()


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[RunningService]:
    """A service for one test. Keyword names are environment variables."""
    with RunningService(folder, environment) as running:
        yield running
