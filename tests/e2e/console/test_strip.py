"""The strip under the header, with a real Ollama that is stopped and comes back."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ops.stack.process import wait_until
from tests.components.fixtures import require
from tests.components.ollama import RunningOllama
from tests.components.service import ROOT, RunningService
from tests.e2e.console.conftest import PATIENCE_S, SETTINGS, Stand, Visits

pytestmark = pytest.mark.real


@pytest.fixture
def ollama(tmp_path: Path) -> Iterator[RunningOllama]:
    with RunningOllama(require("ollama"), tmp_path / "ollama") as running:
        yield running


def test_it_says_what_is_missing_and_goes_when_it_is_back(
    tmp_path: Path, visits: Visits, ollama: RunningOllama
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name in ("momentum-trading.md", "order-types.txt"):
        shutil.copy(ROOT / "documents" / name, documents)
    settings = {"RAG_OLLAMA__URL": ollama.url, "RAG_OLLAMA__POLL_S": "0.2", "RAG_DOCUMENTS_DIR": str(documents)}
    with RunningService(tmp_path / "service", settings) as service:
        wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
        wait_until(service.embedded, PATIENCE_S, "every document has its vectors")
        page = visits(service.url).open()
        strip = page.locator("#strip")
        expect(strip).to_be_empty()
        ollama.stop()
        expect(strip).to_contain_text("No language model: Ollama is away")
        expect(strip).to_contain_text("emini-rag models pull --all")
        page.get_by_label("Your question").fill("What is momentum trading?")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#progress")).to_contain_text("Answered in")
        expect(page.locator("#answer-notes")).to_contain_text("answers are quotations")
        ollama.start()
        expect(strip).to_be_empty()
        page.get_by_label("Your question").fill("What is a stop order?")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("region", name="How this answer was made")).to_contain_text("Written by the model")
        expect(page.locator("#answer-notes")).to_have_count(0)
        expect(strip).to_be_empty()


def test_it_warns_where_alerts_fire_and_nobody_is_told(tmp_path: Path, visits: Visits, stand: Stand) -> None:
    settings = {**SETTINGS, "RAG_OLLAMA__URL": stand.ollama.url}
    with RunningService(tmp_path / "nobody", {**settings, "ALERT_RECEIVERS": "heartbeat"}) as service:
        strip = visits(service.url).open().locator("#strip")
        expect(strip).to_contain_text("When an alert fires, nobody is told.")
        expect(strip).to_contain_text("ALERT_RECEIVERS")
    with RunningService(tmp_path / "told", {**settings, "ALERT_RECEIVERS": "webhook"}) as service:
        wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
        page = visits(service.url).open()
        expect(page.get_by_text("production")).to_be_visible()
        expect(page.locator("#strip")).not_to_contain_text("nobody is told")
