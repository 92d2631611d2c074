"""Answers by real models in a real Ollama, and what a real Collector is told of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from ops.stack.process import wait_until
from tests.components.collector import RunningCollector
from tests.components.fixtures import require
from tests.components.ollama import RunningOllama
from tests.components.service import RunningService
from tests.components.spans import Span
from tests.components.trace_store import tree

PHASES = ["ollama queue", "ollama load", "ollama prompt eval", "ollama eval"]
# Below this, or below this share, what no child span covers is bookkeeping.
UNACCOUNTED_S, UNACCOUNTED_SHARE = 0.005, 0.02


@pytest.fixture(scope="module")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOllama]:
    with RunningOllama(require("ollama"), tmp_path_factory.mktemp("ollama")) as running:
        yield running


@pytest.fixture(scope="module")
def service(
    ollama: RunningOllama, real_collector: RunningCollector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    environment = {
        "RAG_OLLAMA__URL": ollama.url,
        "RAG_OLLAMA__POLL_S": "0.5",
        "OTEL_EXPORTER_OTLP_ENDPOINT": real_collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "ENVIRONMENT": "development",
    }
    with RunningService(tmp_path_factory.mktemp("generated"), environment) as running:
        wait_until(running.embedded, 180, "every document has its vectors")
        yield running


def by_name(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span["name"] == name]
    return found


def arrived(spans: list[Span]) -> bool:
    """The server span ends last."""
    return any(span["kind"] == "server" for span in spans)


def test_a_miss_has_the_designed_tree_and_its_parts_cover_it(
    service: RunningService, real_collector: RunningCollector
) -> None:
    answer = service.ask("What is momentum trading?")
    assert answer["mode"] == "generated"
    model = answer["model"]
    assert model == answer["routing"]["chosen"]
    assert answer["citations"]
    spans = real_collector.trace(answer["trace_id"], arrived)
    children = tree(spans)
    assert children[""] == ["POST /ask"]
    assert children["POST /ask"] == ["invoke_workflow ask"]
    stages = children["invoke_workflow ask"]
    assert [name.split(" {")[0] for name in stages] == [
        "route", "cache lookup", "embeddings nomic-embed-text", "retrieval documents", "prompt",
        "cache lookup", "admission", f"chat {model}", "cache store", "cache store",
    ]  # fmt: skip
    assert sorted(name.split()[0] for name in children["retrieval documents"]) == ["query", "search"]
    assert children[f"chat {model}"] == PHASES
    chat = by_name(spans, f"chat {model}")
    assert chat["kind"] == "client"
    attributes = chat["attributes"]
    assert attributes["gen_ai.provider.name"] == "ollama"
    assert attributes["gen_ai.request.model"] == model
    assert attributes["gen_ai.usage.output_tokens"] > 0
    assert attributes["gen_ai.usage.input_tokens"] > 0
    assert len(attributes["ollama.model.digest"]) >= 12
    workflow = by_name(spans, "invoke_workflow ask")
    whole_s = (workflow["end_ns"] - workflow["start_ns"]) / 1e9
    covered_s = sum(
        (span["end_ns"] - span["start_ns"]) / 1e9 for span in spans if span["parent_id"] == workflow["span_id"]
    )
    assert whole_s - covered_s < max(UNACCOUNTED_S, UNACCOUNTED_SHARE * whole_s)
    for phase in PHASES:
        span = by_name(spans, phase)
        assert chat["start_ns"] <= span["start_ns"] <= span["end_ns"] <= chat["end_ns"]
    for span in spans:
        assert span["resource"]["service.name"] == "emini-rag"
        assert span["resource"]["deployment.environment.name"] == "development"


def test_a_hit_has_two_stages_and_links_to_its_origin(
    service: RunningService, real_collector: RunningCollector
) -> None:
    first = service.ask("What is a stop order?")
    second = service.ask("What is a stop order?")
    spans = real_collector.trace(second["trace_id"], arrived)
    assert tree(spans)["invoke_workflow ask"] == ["route", "cache lookup"]
    links = [link["trace_id"] for span in spans for link in span["links"]]
    assert first["trace_id"] in links


def test_exemplars_name_traces_that_were_exported(service: RunningService, real_collector: RunningCollector) -> None:
    answer = service.ask("What is a limit order?")
    assert real_collector.trace(answer["trace_id"], arrived)
    exemplars = {
        sample.exemplar.labels["trace_id"]
        for sample in service.samples()
        if sample.name.startswith("rag_ask_duration_seconds") and sample.exemplar
    }
    assert exemplars
    known = {span["trace_id"] for span in real_collector.spans()}
    assert exemplars <= known


def test_a_stream_gives_tokens_and_then_the_whole_answer(service: RunningService) -> None:
    events = service.stream("What is a trailing stop?")
    kinds = [kind for kind, _ in events]
    assert kinds[0] == "meta"
    assert kinds[-2:] == ["citations", "done"]
    assert kinds.count("token") >= 2
    done = events[-1][1]
    text = "".join(data["text"] for kind, data in events if kind == "token")
    assert done["answer"] == text.strip()
    assert done["mode"] == "generated"


def test_a_cold_model_says_so(service: RunningService, ollama: RunningOllama, real_collector: RunningCollector) -> None:
    model = "llama3.2:3b"
    loads = service.value("rag_llm_model_loads_total", gen_ai_request_model=model)
    ollama.unload(model)
    wait_until(
        lambda: service.value("rag_ollama_model_resident", gen_ai_request_model=model) == 0, 10, "the model is unloaded"
    )
    answer = service.ask("What is slippage?", model=model)
    assert answer["model"] == model
    spans = real_collector.trace(answer["trace_id"], arrived)
    assert by_name(spans, f"chat {model}")["attributes"]["rag.cold"] is True
    assert service.value("rag_llm_model_loads_total", gen_ai_request_model=model) == loads + 1


def test_a_model_outside_the_list_is_an_error_that_lists_the_others(service: RunningService) -> None:
    reply = service.client.post("/ask", json={"query": "What is slippage?", "model": "gpt-17"})
    problem = reply.json()
    assert (reply.status_code, problem["kind"]) == (404, "model_not_found")
    assert "llama3.2:3b" in problem["detail"]


def test_openai_clients_work(service: RunningService) -> None:
    from openai import OpenAI

    with OpenAI(base_url=f"{service.url}/v1", api_key="none", max_retries=0) as client:
        assert "auto" in [model.id for model in client.models.list()]
        messages: Any = [{"role": "user", "content": "What is a moving average?"}]
        whole = client.chat.completions.create(model="auto", messages=messages)
        assert whole.choices[0].message.content
        assert whole.usage is not None
        streamed = client.chat.completions.create(model="auto", messages=messages, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
        assert text == whole.choices[0].message.content


def test_ollama_dying_mid_answer_is_an_error_and_never_a_short_answer(
    tmp_path: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from tests.components import tiny_gguf

    folder = tmp_path_factory.mktemp("dying")
    with RunningOllama(require("ollama"), folder, chat_models=("llama3.2:3b",), embedding_model="") as ollama:
        endless = tmp_path / "endless.gguf"
        tiny_gguf.write_chat_model(endless, seed=3, ends=False)
        ollama.create("llama3.1:latest", endless.read_bytes())
        environment = {"RAG_OLLAMA__URL": ollama.url, "RAG_OLLAMA__POLL_S": "0.5"}
        with RunningService(tmp_path / "service", environment) as service:
            wait_until(lambda: service.value("rag_ollama_up") == 1, 20, "the service sees Ollama")
            body = {"query": "What is momentum?", "model": "llama3.1:latest", "max_tokens": 30000, "stream": True}
            kinds: list[str] = []
            with service.client.stream("POST", "/ask", json=body) as reply:
                for line in reply.iter_lines():
                    if line.startswith("event:"):
                        kinds.append(line.removeprefix("event:").strip())
                        if kinds.count("token") == 5:
                            ollama.kill()
            assert kinds[-1] == "error"
            assert "done" not in kinds
            # The next question is answered from the documents, and the service notices when Ollama is back.
            assert service.ask("What is momentum?")["mode"] == "extractive"
            ollama.start()
            wait_until(
                lambda: service.ask("What is a gap?", cache={"no-cache": True})["mode"] == "generated",
                30,
                "generated again",
            )
