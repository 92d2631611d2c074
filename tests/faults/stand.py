"""What the tests of the whole process ask, and answer from: one model, one small document, and the settings for both."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeOllama

MODEL = "llama3.2:3b"
ONE_MODEL = {f"RAG_ROUTING__MODELS__{tier}": MODEL for tier in ("SIMPLE", "MEDIUM", "COMPLEX", "RESEARCH")}
CHAT = "/api/chat"
SEEN_S = 20.0
_QUESTIONS = 1000


def question(number: int) -> str:
    """One of a thousand different questions that the document of `documents` covers in full."""
    assert number < _QUESTIONS
    return f"What is momentum rule {number}?"


def documents(folder: Path) -> Path:
    """A documents folder with one document."""
    folder.mkdir(parents=True, exist_ok=True)
    rules = (f"Momentum rule {number} is a rule about momentum." for number in range(_QUESTIONS))
    (folder / "rules.md").write_text("# Rules\n\n" + "\n\n".join(rules), encoding="utf-8")
    return folder


def environment(folder: Path, ollama: FakeOllama, **more: str) -> dict[str, str]:
    """Settings of a service in `folder` that answers with `ollama`, by keywords alone."""
    return {
        **ONE_MODEL,
        "RAG_DOCUMENTS_DIR": str(documents(folder / "documents")),
        "RAG_OLLAMA__URL": ollama.url,
        "RAG_OLLAMA__POLL_S": "0.2",
        "RAG_EMBEDDING__MODEL": "",
        **more,
    }


@contextmanager
def answering(folder: Path, ollama: FakeOllama, **more: str) -> Iterator[RunningService]:
    """A service that has seen its model server."""
    with RunningService(folder, environment(folder, ollama, **more)) as service:
        wait_until(lambda: service.value("rag_ollama_up") == 1, SEEN_S, "the service sees Ollama")
        yield service
