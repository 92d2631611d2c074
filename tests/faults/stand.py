"""What tests of the whole process ask and answer from: one model, one small document, and the settings for both."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.otlp_sink import OtlpSink

MODEL = "llama3.2:3b"
EMBEDDER = "nomic-embed-text"
ONE_MODEL = {f"RAG_ROUTING__MODELS__{tier}": MODEL for tier in ("SIMPLE", "MEDIUM", "COMPLEX", "RESEARCH")}
CHAT = "/api/chat"
# Far above what anything takes, so that only a hang ends in failure.
PATIENCE_S = 30.0
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
    """A service that has seen its model server. Keyword names are environment variables."""
    with RunningService(folder, environment(folder, ollama, **more)) as service:
        wait_until(lambda: service.value("rag_ollama_up") == 1, PATIENCE_S, "the service sees Ollama")
        yield service


@dataclass(frozen=True)
class Guarded:
    """A service that asks for keys, the model server and the Collector it talks to, and a key of each tenant."""

    service: RunningService
    ollama: FakeOllama
    sink: OtlpSink
    tokens: Mapping[str, str]

    def ask_as(self, tenant: str, query: str, **fields: Any) -> dict[str, Any]:
        """One answer for the holder of that tenant's key."""
        headers = {"authorization": f"Bearer {self.tokens[tenant]}"}
        reply = self.service.client.post("/ask", json={"query": query, **fields}, headers=headers)
        return dict(reply.raise_for_status().json())

    def page(self) -> str:
        """The metrics as text."""
        reply = httpx.get(f"http://127.0.0.1:{self.service.metrics_port}/metrics", trust_env=False, timeout=PATIENCE_S)
        return reply.raise_for_status().text

    def every_span(self) -> list[Span]:
        """All that were ended until now have arrived."""
        service = self.service

        def all_there() -> bool:
            ended = service.value("rag_trace_spans_ended_total")
            return ended > 0 and service.value("rag_trace_spans_total", result="delivered") == ended

        wait_until(all_there, PATIENCE_S, "every span has arrived")
        return list(self.sink.spans)


def client(service: RunningService, *, connections: int = 10, **headers: str) -> httpx.AsyncClient:
    """For requests side by side."""
    limits = httpx.Limits(max_connections=connections)
    return httpx.AsyncClient(base_url=service.url, timeout=60, limits=limits, headers=headers, trust_env=False)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait beside the loop, since asking the service for its metrics would block it."""
    await asyncio.to_thread(wait_until, condition, PATIENCE_S, what)


def in_flight(service: RunningService) -> float:
    """Questions at the model now."""
    return service.value("rag_admission_in_flight", gen_ai_request_model=MODEL)


def waiting(service: RunningService) -> float:
    """Questions in line for it."""
    return service.value("rag_admission_waiting", gen_ai_request_model=MODEL)


def failures(service: RunningService, stage: str, kind: str) -> float:
    """Questions that failed there, in this way."""
    return service.value("rag_errors_total", stage=stage, error_type=kind)


def assert_calm(service: RunningService, but: str = "-") -> None:
    """What was foreseen is logged in one line: no traceback, nothing above a warning, nothing that is not our JSON.
    `but` is the beginning of a logger's name that may be loud."""
    text = service.log.read_text(errors="replace")
    assert "Traceback" not in text
    assert [line for line in text.splitlines() if not line.startswith("{")] == []
    told = [line for line in service.log_lines() if not line["logger"].startswith(but)]
    assert [line for line in told if line["level"] in {"ERROR", "CRITICAL"} or "exception.type" in line] == []
