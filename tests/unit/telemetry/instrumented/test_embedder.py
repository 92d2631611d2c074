"""Calls of the embedding model."""

import asyncio

import pytest

from service.embedding.port import Embedded, EmbedderId, Purpose
from service.errors import Dependency, DependencyUnavailable
from service.telemetry.instrumented.embedder import InstrumentedEmbedder
from tests.telemetry.recorder import EMBEDDER, Recorder
from tests.telemetry.trees import seconds
from tests.telemetry.wired import OLLAMA, SlowEmbedder

CALLS = "gen_ai_client_operation_duration_seconds_count"
LABELS = {"gen_ai_operation_name": "embeddings", "gen_ai_provider_name": "ollama", "gen_ai_request_model": EMBEDDER}


def stand(deadline_s: float | None = None) -> tuple[Recorder, SlowEmbedder, InstrumentedEmbedder]:
    recorder = Recorder()
    inner = SlowEmbedder(recorder.clock)
    embedder = InstrumentedEmbedder(
        inner, recorder.stages, recorder.meters, OLLAMA, deadline_s=deadline_s, clock=recorder.clock
    )
    return recorder, inner, embedder


async def test_a_call_is_a_span_of_its_length() -> None:
    recorder, _, embedder = stand()
    embedded = await embedder.embed(["a", "b"], purpose=Purpose.DOCUMENT)
    assert isinstance(embedded, Embedded)
    span = recorder.only()
    assert (span.name, span.kind.name, seconds(span)) == (f"embeddings {EMBEDDER}", "CLIENT", 0.02)
    assert span.attributes["rag.embedding.texts"] == 2
    assert span.attributes["rag.embedding.purpose"] == "document"
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 2
    assert span.attributes["gen_ai.usage.input_tokens"] == 4
    assert span.attributes["service.peer.name"] == "ollama"
    assert recorder.sample(CALLS, **LABELS, error_type="") == 1


async def test_a_kept_vector_is_no_call() -> None:
    recorder, inner, embedder = stand()
    inner.cached = True
    assert (await embedder.embed(["a"])).cached
    assert recorder.spans() == ()
    assert recorder.sample(CALLS, **LABELS, error_type="") == 0


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (DependencyUnavailable(Dependency.OLLAMA, "away"), "connection_error"),
        (asyncio.CancelledError(), "cancelled"),
        (ValueError("secret"), "_OTHER"),
    ],
)
async def test_a_failure_is_measured_under_its_name(error: BaseException, name: str) -> None:
    recorder, inner, embedder = stand(deadline_s=5.0)
    inner.error = error
    with pytest.raises(type(error)):
        await embedder.embed(["a"])
    assert recorder.only().attributes["error.type"] == name
    assert recorder.sample(CALLS, **LABELS, error_type=name) == 1


async def test_cancelled_after_the_deadline_is_a_timeout() -> None:
    recorder, inner, embedder = stand(deadline_s=0.02)
    inner.error = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await embedder.embed(["a"])
    assert recorder.only().attributes["error.type"] == "timeout"


async def test_identity_passes_through() -> None:
    _, inner, embedder = stand()
    assert embedder.model == EMBEDDER
    assert await embedder.identify() == EmbedderId(EMBEDDER, "sha-embed", 2)
    inner.away = True
    assert await embedder.identify() is None
