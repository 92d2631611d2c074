"""A service that asks for keys, and is told on by everything it talks to: one process for all tests of strangers."""

from collections.abc import Iterator

import pytest

from ops.stack.process import wait_until
from service.auth.keys import KeyStore
from service.auth.principal import Scope
from service.clock import SystemClock
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama
from tests.fakes.otlp_sink import OtlpSink
from tests.faults.stand import EMBEDDER, MODEL, PATIENCE_S, Guarded, environment

TENANTS = ("alpha", "beta")
# Installed, but nobody may ask it.
FORBIDDEN = "forbidden:latest"


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = KeyStore(folder / "data" / "keys.json", SystemClock())
    tokens = {tenant: keys.create(tenant, list(Scope), tenant=tenant)[0] for tenant in TENANTS}
    models = [
        FakeModel(MODEL, resident=True),
        FakeModel(EMBEDDER, capabilities=("embedding",), resident=True),
        FakeModel(FORBIDDEN, resident=True),
    ]
    with OtlpSink() as sink, FakeOllama(models, slots=8).in_thread() as ollama:
        settings = environment(
            folder,
            ollama,
            RAG_EMBEDDING__MODEL=EMBEDDER,
            RAG_AUTH__MODE="keys",
            RAG_ADMISSION__SLOTS="8",
            LOG_LEVEL="DEBUG",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=sink.url,
            OTEL_BSP_SCHEDULE_DELAY="50",
            OTEL_BSP_MAX_QUEUE_SIZE="100000",
        )
        with RunningService(folder, settings) as service:
            wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
            service.client.headers["authorization"] = f"Bearer {tokens[TENANTS[0]]}"
            wait_until(service.embedded, PATIENCE_S, "every document has its vectors")
            yield Guarded(service, ollama, sink, tokens)
