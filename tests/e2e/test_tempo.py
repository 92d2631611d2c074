"""A real Tempo in the installation: search, trace by id, the service graph it writes to Prometheus, and its exemplars.

Only where a `tempo` binary is found: no registry serves one.
"""

import time

import pytest

from ops.stack.process import wait_until
from tests.components.installation import Installation
from tests.components.trace_store import TempoStore, tree

WITHIN_S = 60.0
EDGE = 'traces_service_graph_request_total{client="emini-rag",server="ollama"}'


@pytest.fixture(scope="module")
def tempo(stack: Installation) -> TempoStore:
    stack.needs("tempo")
    assert isinstance(stack.traces, TempoStore)
    return stack.traces


def test_a_question_is_found_by_its_id_and_by_what_it_was(stack: Installation, tempo: TempoStore) -> None:
    answer = stack.service.ask("What is a limit order?", cache={"no-cache": True})
    spans = tempo.trace(answer["trace_id"])
    assert tree(spans)["POST /ask"] == ["invoke_workflow ask"]
    assert {span["resource"]["service.name"] for span in spans} == {"emini-rag"}
    queries = (
        '{ resource.service.name = "emini-rag" && name = "POST /ask" }',
        f'{{ span.gen_ai.operation.name = "chat" && span.gen_ai.request.model = "{answer["model"]}" }}',
        '{ span.rag.outcome = "ok" && duration > 1ms }',
        '{ name = "POST /ask" } >> { span.ollama.load_duration >= 0 }',
    )
    for query in queries:
        wait_until(lambda: answer["trace_id"] in tempo.search_for(query), WITHIN_S, f"{query} finds it")  # noqa: B023
    assert tempo.search_for('{ resource.service.name = "somebody else" }') == set()


def test_an_unknown_trace_is_no_trace(tempo: TempoStore) -> None:
    assert tempo.spans("0" * 31 + "1") == []


def test_the_service_graph_arrives_in_prometheus(stack: Installation, tempo: TempoStore) -> None:
    for number in range(3):
        stack.service.ask(f"What is a spread in contract {number}?", cache={"no-cache": True})
    stack.prometheus.until(EDGE, timeout_s=WITHIN_S)
    buckets = EDGE.replace("request_total", "request_client_seconds_bucket")
    bounds = {series.labels["le"] for series in stack.prometheus.until(buckets, timeout_s=WITHIN_S)}
    # The generator's own buckets end at 12.8 s, where answers of large models begin.
    assert max(float(bound) for bound in bounds if bound != "+Inf") > 60
    assert tempo.name == "Tempo"


def test_exemplars_of_the_service_graph_have_the_label_that_leads_to_traces(
    stack: Installation, tempo: TempoStore
) -> None:
    began_s = time.time()
    answer = stack.service.ask("What is a settlement price?", cache={"no-cache": True})
    selector = "traces_service_graph_request_client_seconds_bucket"

    def labelled() -> bool:
        return any(one.labels.get("trace_id") for one in stack.prometheus.exemplars(selector, began_s, time.time()))

    wait_until(labelled, WITHIN_S, "an exemplar with a trace_id")
    found = {one.labels["trace_id"] for one in stack.prometheus.exemplars(selector, began_s, time.time())}
    assert all(tempo.spans(trace_id.rjust(32, "0")) for trace_id in found)
    assert tempo.spans(answer["trace_id"])
