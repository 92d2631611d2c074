"""The service on its test stand: as a user starts it, with a model server and a telemetry receiver beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.stack.process import wait_until
from tests.bench.processes import EXPORT_OFTEN, Helper, helper
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
            wait_until(service.embedded, _EMBEDDED_S, "documents embedded")
            yield Stand(service, ollama, sink)
