"""One question, followed everywhere: its trace, its metrics, its exemplar and its log line agree with its answer."""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ops.stack.process import wait_until
from service.telemetry.catalogue import ASK_DURATION
from tests.components.installation import SERVICE, Installation
from tests.components.prometheus_api import Exemplar, PrometheusApi
from tests.components.spans import Span
from tests.components.trace_store import tree

WITHIN_S = 30.0
# Timings are rounded to the microsecond, each of them.
EXACT_S = 2e-6
# What a request costs before and after the question is worked on, on a busy machine.
AROUND_S = 5.0
ASK = "rag_ask_duration_seconds"
CALLS = "gen_ai_client_operation_duration_seconds"
PHASES = ["ollama queue", "ollama load", "ollama prompt eval", "ollama eval"]
SERVER, CLIENT = {"POST"}, {"embeddings", "retrieval", "chat"}
Labels = frozenset[tuple[str, str]]
Risen = dict[str, dict[Labels, float]]


def labelled(**labels: str) -> Labels:
    return frozenset(labels.items())


class Counted:
    """What Prometheus has counted and summed of the service by now, whatever happens while this is made left out."""

    def __init__(self, prometheus: PrometheusApi) -> None:
        self._prometheus = prometheus
        self._before = self._now()

    def risen(self) -> Risen:
        """Since then, as of now: by name of the metric, which series rose and by how much."""
        risen: Risen = defaultdict(dict)
        for (name, labels), value in self._now().items():
            if by := value - self._before.get((name, labels), 0.0):
                risen[name][labels] = by
        return risen

    def _now(self) -> dict[tuple[str, Labels], float]:
        self._prometheus.scraped(SERVICE)
        query = f'{{job="{SERVICE}",__name__=~"(rag|gen_ai)_.+_(count|sum|total|bucket)"}}'
        return {_key(series.labels): series.value for series in self._prometheus.query(query)}


def _key(labels: Mapping[str, str]) -> tuple[str, Labels]:
    common = {"__name__", "job", "instance", "deployment_environment_name", "service_version"}
    return labels["__name__"], frozenset(pair for pair in labels.items() if pair[0] not in common)


@dataclass(frozen=True)
class Followed:
    """One question, its answer, and what was counted of it; nothing else was asked meanwhile."""

    answer: dict[str, Any]
    trace_id: str
    began_s: float
    risen: Risen

    @property
    def total_s(self) -> float:
        return float(self.answer["timings"]["total_s"])


def follow(stack: Installation, query: str) -> Followed:
    counted = Counted(stack.prometheus)
    began_s = time.time()
    reply = stack.service.client.post("/ask", json={"query": query})
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer["trace_id"] == reply.headers["x-trace-id"]
    return Followed(answer, answer["trace_id"], began_s, counted.risen())


def exemplar_of(stack: Installation, asked: Followed) -> Exemplar:
    """The exemplar of this question in Prometheus."""
    found: list[Exemplar] = []

    def arrived() -> bool:
        all_of_them = stack.prometheus.exemplars(f"{ASK}_bucket", asked.began_s - 1, time.time() + 1)
        found[:] = [one for one in all_of_them if one.labels.get("trace_id") == asked.trace_id]
        return bool(found)

    wait_until(arrived, WITHIN_S, "the exemplar of the question")
    (only,) = found
    return only


def assert_designed(spans: list[Span], model: str) -> None:
    """Names, kinds and parents of a miss."""
    children = tree(spans)
    assert children[""] == ["POST /ask"]
    assert children["POST /ask"] == ["invoke_workflow ask"]
    assert children["invoke_workflow ask"] == [
        "route", "cache lookup", "embeddings nomic-embed-text", "retrieval documents", "prompt", "cache lookup",
        "admission", f"chat {model}", "cache store", "cache store",
    ]  # fmt: skip
    assert sorted(children["retrieval documents"]) == ["query documents", "search fts"]
    assert children[f"chat {model}"] == PHASES
    for span in spans:
        first = span["name"].split()[0]
        assert span["kind"] == ("server" if first in SERVER else "client" if first in CLIENT else "internal"), span
        assert span["status"] == "unset", span


def assert_in_its_bucket(asked: Followed) -> None:
    """Every bucket that holds this time has risen, and none below."""
    bounds = ASK_DURATION.buckets
    assert bounds is not None
    holding = sorted(dict(labels)["le"] for labels in asked.risen[f"{ASK}_bucket"])
    expected = [bound for bound in (*bounds, float("inf")) if bound >= asked.total_s]
    assert sorted(float(bound) for bound in holding) == expected


def assert_stages(asked: Followed) -> None:
    """Each stage was counted once, with the time that the answer tells; with the rest they sum to the whole."""
    told = {name.removesuffix("_s"): value for name, value in asked.answer["timings"].items() if name != "total_s"}
    rest = told.pop("unaccounted", 0.0)
    counts = asked.risen["rag_stage_duration_seconds_count"]
    assert counts == {labelled(stage=stage, outcome="ok"): 1 for stage in told}
    sums = {dict(labels)["stage"]: by for labels, by in asked.risen["rag_stage_duration_seconds_sum"].items()}
    assert sums == {stage: pytest.approx(seconds, abs=EXACT_S) for stage, seconds in told.items() if sums.get(stage)}
    assert sum(sums.values()) + rest == pytest.approx(asked.total_s, abs=EXACT_S * (len(told) + 2))


def assert_calls(asked: Followed, spans: list[Span]) -> None:
    """One call each of embedder, search and model; tokens as the model's span says; every phase once."""
    model = asked.answer["model"]
    calls = asked.risen[f"{CALLS}_count"]
    assert {dict(labels)["gen_ai_operation_name"]: by for labels, by in calls.items()} == {
        "chat": 1,
        "embeddings": 1,
        "retrieval": 1,
    }
    (chat,) = [span for span in spans if span["name"] == f"chat {model}"]
    for direction in ("input", "output"):
        risen = asked.risen[f"gen_ai_client_inference_usage_{direction}_tokens_total"]
        tokens = chat["attributes"][f"gen_ai.usage.{direction}_tokens"]
        assert risen == {labelled(gen_ai_request_model=model): tokens}
    phases = asked.risen["rag_llm_phase_duration_seconds_count"]
    assert {dict(labels)["phase"] for labels in phases} <= {"queue", "load", "prompt_eval", "eval"}
    assert set(phases.values()) == {1}


def test_a_miss_is_the_same_everywhere(stack: Installation) -> None:
    asked = follow(stack, "What is a spread between two contract months?")
    answer, model = asked.answer, asked.answer["model"]
    assert (answer["mode"], answer["cache"]["result"]) == ("generated", "miss")

    spans = stack.traces.trace(asked.trace_id)
    assert_designed(spans, model)
    assert asked.trace_id in stack.traces.search(root="POST /ask", environment="production")

    (cold,) = [span["attributes"]["rag.cold"] for span in spans if span["name"] == "invoke_workflow ask"]
    start = "cold" if cold else "warm"
    series = labelled(gen_ai_request_model=model, tier=answer["tier"], cache="miss", outcome="ok", start=start)
    assert asked.risen[f"{ASK}_count"] == {series: 1}
    assert asked.risen[f"{ASK}_sum"] == {series: pytest.approx(asked.total_s, abs=EXACT_S)}
    assert_in_its_bucket(asked)
    assert_stages(asked)
    request = labelled(route="/ask", method="POST", status_class="2xx")
    assert asked.risen["rag_http_request_duration_seconds_count"] == {request: 1}
    (taken_s,) = asked.risen["rag_http_request_duration_seconds_sum"].values()
    assert asked.total_s <= taken_s <= asked.total_s + AROUND_S
    assert_calls(asked, spans)
    assert asked.risen["rag_cache_requests_total"] == {
        labelled(cache=name, result="miss"): 1 for name in ("answer", "prompt", "embedding")
    }
    decided = labelled(tier=answer["tier"], gen_ai_request_model=model, reason=answer["routing"]["reason"])
    assert asked.risen["rag_routing_decisions_total"] == {decided: 1}
    assert asked.risen["rag_errors_total"] == {}

    exemplar = exemplar_of(stack, asked)
    assert exemplar.value == pytest.approx(asked.total_s, abs=EXACT_S)
    assert exemplar.labels["span_id"] in {span["span_id"] for span in spans}
    assert series <= frozenset(exemplar.series.items())
    lines = [line for line in stack.service.log_lines() if line.get("trace_id") == asked.trace_id]
    told = [(line["status"], line["model"], line["cache"]) for line in lines if line["message"] == "request"]
    assert told == [(200, model, "miss")]


def test_a_hit_leads_to_the_trace_that_made_its_answer(stack: Installation) -> None:
    first = stack.service.ask("What is a margin call?")
    asked = follow(stack, "What is a margin call?")
    assert asked.answer["cache"]["result"] == "hit"
    assert asked.answer["answer"] == first["answer"]

    spans = stack.traces.trace(asked.trace_id)
    assert tree(spans) == {
        "": ["POST /ask"],
        "POST /ask": ["invoke_workflow ask"],
        "invoke_workflow ask": ["route", "cache lookup"],
    }
    assert {link["trace_id"] for span in spans for link in span["links"]} == {first["trace_id"]}
    assert_designed(stack.traces.trace(first["trace_id"]), first["model"])

    kept = {"cache": "hit", "outcome": "ok", "start": "warm"}
    series = labelled(gen_ai_request_model=first["model"], tier=asked.answer["tier"], **kept)
    assert asked.risen[f"{ASK}_count"] == {series: 1}
    assert asked.risen["rag_cache_requests_total"] == {labelled(cache="answer", result="hit"): 1}
    assert asked.risen[f"{CALLS}_count"] == {}
    exemplar = exemplar_of(stack, asked)
    assert series <= frozenset(exemplar.series.items())


def test_a_refused_question_is_the_same_everywhere_too(stack: Installation) -> None:
    counted = Counted(stack.prometheus)
    reply = stack.service.client.post("/ask", json={"query": "What is a tick?", "model": "gpt-17"})
    problem = reply.json()
    assert (reply.status_code, problem["kind"]) == (404, "model_not_found")
    assert problem["trace_id"] == reply.headers["x-trace-id"]

    spans = stack.traces.trace(problem["trace_id"])
    assert tree(spans)[""] == ["POST /ask"]
    (server,) = [span for span in spans if span["kind"] == "server"]
    assert server["attributes"]["http.response.status_code"] == 404
    risen = counted.risen()
    request = labelled(route="/ask", method="POST", status_class="4xx")
    assert risen["rag_http_request_duration_seconds_count"] == {request: 1}
    (failed,) = risen["rag_errors_total"]
    assert dict(failed)["error_type"] == problem["kind"]
    # The same word on the span.
    assert problem["kind"] in {span["attributes"].get("error.type") for span in spans}
