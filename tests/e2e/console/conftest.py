"""What the tests of the page share: a browser, and a service whose model server does what a test wants of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser

from ops.stack.process import wait_until
from tests.components.browser import Visit, browsing
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama

MODEL = "llama3.2:3b"
OTHER = "llama3.1:latest"
PATIENCE_S = 30.0
# A search by words alone finds the same in every run; the fake's vectors mean nothing.
SETTINGS = {
    **{f"RAG_ROUTING__MODELS__{tier}": MODEL for tier in ("SIMPLE", "COMPLEX", "RESEARCH")},
    "RAG_ROUTING__MODELS__MEDIUM": OTHER,
    "RAG_EMBEDDING__MODEL": "",
    "RAG_OLLAMA__POLL_S": "0.2",
}
Visits = Callable[..., Visit]


@dataclass(frozen=True)
class Stand:
    """The service and the model server behind it."""

    service: RunningService
    ollama: FakeOllama

    @property
    def url(self) -> str:
        return self.service.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with each module: Playwright's loop must not run while asynchronous tests do."""
    with browsing() as running:
        yield running


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    models = [FakeModel(MODEL, resident=True), FakeModel(OTHER, resident=True)]
    folder = tmp_path_factory.mktemp("console")
    with (
        FakeOllama(models, slots=4).in_thread() as ollama,
        RunningService(folder, {**SETTINGS, "RAG_OLLAMA__URL": ollama.url}) as service,
    ):
        wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
        yield Stand(service, ollama)


@pytest.fixture
def visits(browser: Browser) -> Iterator[Visits]:
    """Visitors of a service: `visits(url, **context)`. At the end each must have come to no harm."""
    made: list[Visit] = []

    def visit(url: str, **options: Any) -> Visit:
        made.append(Visit(browser, url, **options))
        return made[-1]

    yield visit
    try:
        for one in made:
            one.assert_harmless()
    finally:
        for one in made:
            one.context.close()


@pytest.fixture
def model(stand: Stand) -> Iterator[FakeModel]:
    """The model that answers simple questions; as it was, after the test."""
    found = stand.ollama.model(MODEL)
    before = dict(vars(found))
    yield found
    vars(found).update(before)
