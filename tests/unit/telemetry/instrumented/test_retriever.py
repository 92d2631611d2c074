"""The search, as a span and as a count of what it found."""

import pytest

from service.errors import Dependency, DependencyTimeout
from service.retrieval.port import Retrieved
from service.telemetry.instrumented.retriever import InstrumentedRetriever
from tests.fakes.retriever import FakeRetriever
from tests.telemetry.recorder import EMBEDDER, Recorder
from tests.unit.ask.samples import passage

CALLS = "gen_ai_client_operation_duration_seconds_count"
LABELS = {"gen_ai_operation_name": "retrieval", "gen_ai_provider_name": "chroma"}
FOUND = Retrieved((passage(1), passage(2)), {"vector": 4, "keyword": 3}, 0.9, 0.2, waited_s=0.01)


def stand(found: Retrieved = FOUND) -> tuple[Recorder, FakeRetriever, InstrumentedRetriever]:
    recorder, inner = Recorder(), FakeRetriever(found)
    return recorder, inner, InstrumentedRetriever(inner, recorder.stages, recorder.meters, EMBEDDER)


async def test_a_search_by_vector() -> None:
    recorder, inner, retriever = stand()
    assert await retriever.retrieve("What?", (1.0, 0.0), 5) is FOUND
    assert inner.calls == [("What?", (1.0, 0.0), 5)]
    span = recorder.only()
    assert (span.name, span.kind.name) == ("retrieval documents", "CLIENT")
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.provider.name": "chroma",
        "gen_ai.data_source.id": "documents",
        "gen_ai.retrieval.top_k": 5,
        "gen_ai.request.model": EMBEDDER,
        "rag.retrieval.returned": 2,
        "rag.retrieval.candidates.vector": 4,
        "rag.retrieval.candidates.keyword": 3,
        "rag.retrieval.best_score": 0.9,
        "rag.retrieval.best_distance": 0.2,
        "rag.retrieval.waited_s": 0.01,
    }
    assert recorder.sample(CALLS, **LABELS, gen_ai_request_model=EMBEDDER, error_type="") == 1
    assert recorder.sample("rag_retrieval_results_sum", collection="documents") == 2


def test_its_calls_are_counted_from_zero_on() -> None:
    recorder, _, _ = stand()
    assert recorder.sample(CALLS, **LABELS, gen_ai_request_model=EMBEDDER, error_type="") == 0


async def test_keywords_alone_have_no_model() -> None:
    recorder, _, retriever = stand(Retrieved((), degraded=("no_embedder",)))
    await retriever.retrieve("What?", None, 5)
    attributes = recorder.only().attributes
    assert attributes["rag.degraded"] == ("no_embedder",)
    assert not {"gen_ai.request.model", "rag.retrieval.best_score"} & set(attributes)
    assert recorder.sample(CALLS, **LABELS, gen_ai_request_model="none", error_type="") == 1
    assert recorder.sample("rag_retrieval_results_bucket", collection="documents", le="0.0") == 1


async def test_a_failure_is_measured_and_finds_nothing() -> None:
    recorder, inner, retriever = stand()
    inner.script.append(DependencyTimeout(Dependency.SQLITE, "too slow"))
    with pytest.raises(DependencyTimeout):
        await retriever.retrieve("What?", (1.0,), 5)
    assert recorder.only().attributes["error.type"] == "timeout"
    assert recorder.sample(CALLS, **LABELS, gen_ai_request_model=EMBEDDER, error_type="timeout") == 1
    assert recorder.sample("rag_retrieval_results_count", collection="documents") == 0
