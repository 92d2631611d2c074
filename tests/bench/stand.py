"""The service on its test stand: as a user starts it, with a model server and a telemetry receiver beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import EXPORT_OFTEN, Helper, helper
from tests.components.process import wait_until
from tests.components.service import RunningService

_EMBEDDED_S = 120.0


@dataclass(frozen=True, slots=True)
class Stand:
    """`service` has all telemetry on: spans go to `sink`, answers come from `ollama`."""

    service: RunningService
    ollama: Helper
    sink: Helper


@contextmanager
def stand(folder: Path, **environment: str) -> Iterator[Stand]:
    """Its documents are in, and embedded. Keyword names are environment variables."""
    with helper("model_server", folder) as ollama, helper("sink", folder) as sink:
        settings = {
            "RAG_OLLAMA__URL": ollama.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
            **EXPORT_OFTEN,
            **environment,
        }
        with RunningService(folder, settings) as service:
            wait_until(lambda: is_embedded(service), _EMBEDDED_S, "documents embedded")
            yield Stand(service, ollama, sink)


def is_embedded(service: RunningService, documents: int = 0) -> bool:
    """Whether this many documents (0 = those of the folder it was given) are in, and vectors of them are searched."""
    expected = documents or sum(1 for path in Path(service.environment["RAG_DOCUMENTS_DIR"]).iterdir())
    state = service.client.get("/documents").json()
    return len(state["documents"]) >= expected and bool(state["embedder"]) and state["pending_vectors"] == 0
