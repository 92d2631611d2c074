"""SIGTERM while it works: not ready at once, bounded in time whatever hangs, and nothing that was finished is lost."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.stack.process import wait_until
from tests.components.service import RunningService
from tests.fakes.ollama_server import FakeModel, FakeOllama, Fault
from tests.fakes.otlp_sink import Fault as SinkFault
from tests.fakes.otlp_sink import OtlpSink
from tests.faults.stand import MODEL, PATIENCE_S, answering, assert_calm, client, question, until
from tests.server_sent import server_sent

# The promise itself.
GONE_S = 15.0
DRAIN_S = 2.0
STREAMS = 6
QUEUE = 512


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama([FakeModel(MODEL, resident=True)], slots=STREAMS).in_thread() as running:
        yield running


@pytest.mark.slow
def test_short_answers_end_long_ones_say_why_and_a_dead_collector_holds_nothing_up(
    ollama: FakeOllama, tmp_path: Path
) -> None:
    with (
        OtlpSink(SinkFault.BLACK_HOLE) as sink,
        answering(
            tmp_path,
            ollama,
            RAG_ADMISSION__SLOTS=str(STREAMS),
            RAG_SERVER__DRAIN_S=str(DRAIN_S),
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=sink.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_BSP_MAX_QUEUE_SIZE=str(QUEUE),
        ) as service,
    ):
        for number in range(100, 200):
            service.ask(question(number))
        wait_until(lambda: sink.holding > 0, PATIENCE_S, "an export that is not answered")
        streams = asyncio.run(stopped_while_streaming(service, ollama))
        assert sink.calls and not sink.spans
    assert_calm(service)
    told = [line["message"] for line in service.log_lines() if line["logger"].startswith("service.telemetry")]
    assert len([message for message in told if "spans were not delivered" in message]) == 1
    assert [events[-1][0] for events in streams[:2]] == ["done", "done"]
    for events in streams[2:]:
        assert [kind for kind, _ in events][:2] == ["meta", "token"]
        kind, problem = events[-1]
        assert (kind, problem["kind"]) == ("error", "shutting_down")
        assert "stopping" in problem["detail"]


async def stopped_while_streaming(
    service: RunningService, ollama: FakeOllama
) -> list[list[tuple[str, dict[str, Any]]]]:
    """What the streams were told: two that end within the drain, and others that hang after two tokens."""
    short, long = Fault(), Fault(hang_after=2)
    model = ollama.model(MODEL)
    async with client(service, connections=STREAMS + 5) as http:
        model.token_s = 0.2
        ollama.faults.extend([long] * (STREAMS - 2))
        longs = [asyncio.create_task(stream(http, question(number))) for number in range(STREAMS - 2)]
        await until(lambda: ollama.running[MODEL] == STREAMS - 2, "the long ones run")
        ollama.faults.extend([short] * 2)
        shorts = [asyncio.create_task(stream(http, question(50 + number))) for number in range(2)]
        await until(lambda: ollama.running[MODEL] == STREAMS, "the short ones run")

        began = time.monotonic()
        os.kill(service.pid, signal.SIGTERM)
        await until(lambda: httpx.get(f"{service.url}/readyz", trust_env=False).status_code == 503, "it is not ready")
        ready = await http.get("/readyz")
        assert ready.json()["status"] == "shutting_down"
        refused = await http.post("/ask", json={"query": question(99)})
        assert (refused.status_code, refused.json()["kind"]) == (503, "shutting_down")
        assert "retry-after" in refused.headers
        assert not any(task.done() for task in (*shorts, *longs))
        told = await asyncio.gather(*shorts, *longs)
    await until(lambda: not service.running, "it is gone")
    assert time.monotonic() - began < GONE_S
    assert ollama.running[MODEL] == 0
    return told


async def stream(http: httpx.AsyncClient, query: str) -> list[tuple[str, dict[str, Any]]]:
    reply = await http.post("/ask", json={"query": query, "stream": True})
    assert reply.status_code == 200
    return list(server_sent(iter(reply.text.splitlines())))


def test_no_span_of_a_finished_answer_is_lost(ollama: FakeOllama, tmp_path: Path) -> None:
    with (
        OtlpSink() as sink,
        answering(
            tmp_path,
            ollama,
            RAG_ADMISSION__SLOTS=str(STREAMS),
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=sink.url,
            # Nothing is sent before the end.
            OTEL_BSP_SCHEDULE_DELAY="3600000",
            OTEL_BSP_MAX_QUEUE_SIZE="100000",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2000",
        ) as service,
    ):
        answered = asyncio.run(asked_until_the_end(service))
        assert_calm(service)
    assert len(answered) > 50
    spans: dict[str, set[str]] = {}
    for span in sink.spans:
        spans.setdefault(span.trace_id.hex(), set()).add(span.name)
    for trace_id in answered:
        assert {"POST /ask", "invoke_workflow ask", "route", "cache store", f"chat {MODEL}"} <= spans.get(
            trace_id, set()
        )


async def asked_until_the_end(service: RunningService) -> list[str]:
    """Trace ids of what was answered, by clients that ask on until nobody listens."""
    answered: list[str] = []
    numbers = iter(range(1000))

    async def ask_on(http: httpx.AsyncClient) -> None:
        for number in numbers:
            try:
                reply = await http.post("/ask", json={"query": question(number)})
            except httpx.TransportError:
                return
            if reply.status_code == 503:
                return
            answered.append(reply.raise_for_status().json()["trace_id"])
            if len(answered) == 60:
                os.kill(service.pid, signal.SIGTERM)

    async with client(service) as http:
        await asyncio.gather(*(ask_on(http) for _ in range(STREAMS)))
    await until(lambda: not service.running, "it is gone")
    return answered
