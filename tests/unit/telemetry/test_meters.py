"""Recording: vocabularies, exemplars, faults, and snapshots at scrape time."""

import logging
import math
from collections.abc import Iterable, Iterator

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN_CONTEXT, use_span
from prometheus_client import CollectorRegistry

from service.telemetry.catalogue import (
    ASK_DURATION,
    BUILD_INFO,
    CACHE_REQUESTS,
    CACHE_SAVED,
    DEPENDENCY_UP,
    FINISHES,
    HTTP_DURATION,
    INGEST_DURATION,
    OLLAMA_INFO,
    PROBLEMS,
    RETRIEVAL_RESULTS,
)
from service.telemetry.meters import Meters, Reading, SnapshotCollector
from tests.telemetry.recorder import LARGE, SMALL, Recorder

ASKED = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "outcome": "ok", "start": "warm"}
COUNT = "rag_ask_duration_seconds_count"


def test_values_arrive_whatever_the_order_of_the_labels() -> None:
    recorder = Recorder()
    recorder.meters.observe(ASK_DURATION, 0.3, **ASKED)
    recorder.meters.observe(ASK_DURATION, 0.3, **dict(reversed(ASKED.items())))
    assert recorder.sample(COUNT, **ASKED) == 2
    assert recorder.sample("rag_ask_duration_seconds_bucket", **ASKED, le="0.32") == 2
    assert recorder.sample("rag_ask_duration_seconds_bucket", **ASKED, le="0.226") == 0


def test_small_label_sets_are_there_from_the_start_without_a_stranger() -> None:
    recorder = Recorder()
    assert recorder.sample("rag_cache_requests_total", cache="prompt", result="hit") == 0
    assert recorder.sample("rag_llm_finish_total", gen_ai_request_model=LARGE, reason="length") == 0
    assert recorder.sample("rag_llm_finish_total", gen_ai_request_model="other", reason="length") is None
    assert recorder.sample("rag_ingest_duration_seconds_count") == 0


def test_what_will_surely_come_can_be_prepared() -> None:
    recorder = Recorder()
    assert recorder.sample(COUNT, **ASKED) is None
    recorder.meters.prepare(ASK_DURATION, **ASKED)
    assert recorder.sample(COUNT, **ASKED) == 0


def test_unknown_values_become_other_and_are_counted() -> None:
    recorder = Recorder()
    recorder.meters.add(FINISHES, gen_ai_request_model="stranger", reason="stop")
    recorder.meters.add(CACHE_REQUESTS, cache="answer", result="perhaps")
    assert recorder.sample("rag_llm_finish_total", gen_ai_request_model="other", reason="stop") == 1
    assert recorder.sample("rag_cache_requests_total", cache="answer", result="_OTHER") == 1
    assert recorder.sample(PROBLEMS.name, problem="unknown_label") == 2


def test_open_labels_take_values_until_they_are_full() -> None:
    recorder = Recorder()
    for number in range(40):
        recorder.meters.observe(HTTP_DURATION, 0.1, route=f"/{number}", method="GET", status_class="2xx")
    count = "rag_http_request_duration_seconds_count"
    assert recorder.sample(count, route="/30", method="GET", status_class="2xx") == 1
    assert recorder.sample(count, route="/31", method="GET", status_class="2xx") is None
    assert recorder.sample(count, route="other", method="GET", status_class="2xx") == 9


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_value_that_would_spoil_the_sum_is_refused(value: float) -> None:
    recorder = Recorder()
    recorder.meters.observe(INGEST_DURATION, value)
    assert recorder.sample("rag_ingest_duration_seconds_count") == 0
    assert recorder.sample(PROBLEMS.name, problem="failed") == 1


def test_wrong_use_is_counted_never_raised_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            recorder.meters.observe(ASK_DURATION, 1.0, tier="simple")
            recorder.meters.add(CACHE_REQUESTS, cache="answer", outcome="secret")
            recorder.meters.add(CACHE_REQUESTS, -1.0, cache="answer", result="hit")
        recorder.meters.prepare(BUILD_INFO, version="1")
    assert recorder.sample(PROBLEMS.name, problem="failed") == 10
    assert [record.getMessage().partition(" in ")[2] for record in caplog.records] == [
        "rag_ask_duration_seconds (ValueError)",
        "rag_cache_requests_total (KeyError)",
        "rag_build_info (KeyError)",
    ]
    assert "secret" not in caplog.text


def test_exemplars_come_from_the_current_span_or_the_given_one() -> None:
    recorder = Recorder()
    span, other = recorder.tracer.start_span("a"), recorder.tracer.start_span("b")
    with use_span(span):
        recorder.meters.observe(RETRIEVAL_RESULTS, 1, collection="documents")
        recorder.meters.observe(RETRIEVAL_RESULTS, 5, other.get_span_context(), collection="documents")
    assert exemplars(recorder.registry) == {
        "1.0": f"{span.get_span_context().span_id:016x}",
        "5.0": f"{other.get_span_context().span_id:016x}",
    }


def test_no_exemplar_without_a_sampled_span() -> None:
    recorder = Recorder(ALWAYS_OFF)
    with use_span(recorder.tracer.start_span("a")):
        recorder.meters.observe(RETRIEVAL_RESULTS, 1, collection="documents")
    recorder.meters.observe(RETRIEVAL_RESULTS, 1, INVALID_SPAN_CONTEXT, collection="documents")
    assert exemplars(recorder.registry) == {}
    assert recorder.sample("rag_retrieval_results_count", collection="documents") == 2


def exemplars(registry: CollectorRegistry) -> dict[str, str]:
    samples = [sample for family in registry.collect() for sample in family.samples if sample.exemplar]
    return {sample.labels["le"]: sample.exemplar.labels["span_id"] for sample in samples}


def test_two_registries_live_side_by_side() -> None:
    Meters(CollectorRegistry(), [])
    Meters(CollectorRegistry(), [])


def test_snapshots_show_what_is_now_and_forget_what_is_gone() -> None:
    registry = CollectorRegistry()
    readings = [
        Reading(DEPENDENCY_UP, 1, {"dependency": "ollama"}),
        Reading(CACHE_SAVED, 12.5, {"cache": "answer"}),
        Reading(
            OLLAMA_INFO,
            labels={"gen_ai_request_model": SMALL, "digest": "d", "quantization": "Q4", "parameter_size": "3B"},
        ),
    ]
    registry.register(SnapshotCollector(lambda: readings))
    assert registry.get_sample_value("rag_dependency_up", {"dependency": "ollama"}) == 1
    assert registry.get_sample_value("rag_cache_saved_seconds_total", {"cache": "answer"}) == 12.5
    info = {"gen_ai_request_model": SMALL, "digest": "d", "quantization": "Q4", "parameter_size": "3B"}
    assert registry.get_sample_value("rag_ollama_model_info", info) == 1
    readings.clear()
    assert registry.get_sample_value("rag_dependency_up", {"dependency": "ollama"}) is None


def test_a_failing_snapshot_keeps_the_scrape_alive_and_is_counted() -> None:
    recorder = Recorder()

    def read() -> Iterator[Reading]:
        yield Reading(DEPENDENCY_UP, 1, {"dependency": "ollama"})
        raise RuntimeError("poller is gone")

    recorder.registry.register(SnapshotCollector(read, on_problem=recorder.meters.problem))
    assert recorder.sample("rag_dependency_up", dependency="ollama") == 1
    assert (recorder.sample(PROBLEMS.name, problem="failed") or 0) > 0


def test_registering_a_snapshot_reads_nothing() -> None:
    read: list[int] = []

    def reading() -> Iterable[Reading]:
        read.append(1)
        return ()

    CollectorRegistry().register(SnapshotCollector(reading))
    assert read == []
