"""Results as metrics: which label a question ends under."""

from dataclasses import replace

import pytest
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from service.admission.port import Rejected, RejectReason
from service.ask.types import CacheFacts, Failed, Outcome, Stage, Timings
from service.cache.port import CacheName, CacheResult
from service.errors import ErrorKind, ServiceError
from service.routing.port import RouteReason, Tier
from service.telemetry.catalogue import ASK_DURATION
from service.telemetry.instrumented.ask_metrics import AskMetrics, failed_stage
from tests.telemetry.recorder import LARGE, SMALL, Recorder
from tests.unit.ask.samples import route
from tests.unit.telemetry.instrumented.test_asker import COUNT, RESULT, TIMINGS

ANSWERED = replace(RESULT, answer=replace(RESULT.answer, model=SMALL), outcome=Outcome.OK)


def stand() -> tuple[Recorder, AskMetrics]:
    recorder = Recorder()
    return recorder, AskMetrics(recorder.meters, {})


@pytest.mark.parametrize(
    ("result", "label"),
    [
        *((result, "miss") for result in CacheResult if result not in {CacheResult.HIT, CacheResult.BYPASS}),
        (CacheResult.HIT, "hit"),
        (CacheResult.BYPASS, "bypass"),
    ],
)
def test_the_cache_label_says_whether_the_time_was_saved(result: CacheResult, label: str) -> None:
    recorder, metrics = stand()
    metrics.answered(replace(ANSWERED, cache=CacheFacts(result, CacheName.PROMPT)), INVALID_SPAN_CONTEXT)
    assert (
        recorder.sample(COUNT, gen_ai_request_model=SMALL, tier="simple", cache=label, outcome="ok", start="warm") == 1
    )


@pytest.mark.parametrize(("cold", "start"), [(False, "warm"), (True, "cold")])
def test_an_answer_for_which_a_model_was_loaded_is_told_apart(cold: bool, start: str) -> None:
    recorder, metrics = stand()
    metrics.answered(replace(ANSWERED, cold=cold), INVALID_SPAN_CONTEXT)
    labels = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "outcome": "ok"}
    assert recorder.sample(COUNT, **labels, start=start) == 1
    assert recorder.sample(COUNT, **labels, start="warm" if start == "cold" else "cold") is None


def test_what_alerts_watch_is_there_before_it_happens() -> None:
    recorder = Recorder()
    AskMetrics(recorder.meters, {Tier.SIMPLE: SMALL, Tier.RESEARCH: LARGE})
    counts = [s for family in recorder.registry.collect() for s in family.samples if s.name == COUNT]
    asked = [tuple(s.labels[name] for name in ASK_DURATION.label_names) for s in counts]
    assert {s.value for s in counts} == {0}
    assert sorted(asked) == sorted(
        [("none", "none", "miss", "error", "warm")]
        + [
            (*pair, *ending, "warm")
            for pair in ((SMALL, "simple"), (LARGE, "research"))
            for ending in (("hit", "ok"), *(("miss", how) for how in ("ok", "degraded", "rejected", "error")))
        ]
        + [("none", tier, "miss", how, "warm") for tier in ("simple", "research") for how in ("no_context", "degraded")]
    )
    for stage, kind in (("generate", "timeout"), ("retrieve", "connection_error"), ("admission", "overloaded")):
        assert recorder.sample("rag_errors_total", stage=stage, error_type=kind) == 0
    ends = [(stage, "ok") for stage in Stage] + [("generate", "error"), ("admission", "rejected")]
    assert {recorder.sample("rag_stage_duration_seconds_count", stage=stage, outcome=end) for stage, end in ends} == {0}
    decided = {"tier": "research", "gen_ai_request_model": SMALL, "reason": "stepped_down"}
    assert recorder.sample("rag_routing_decisions_total", **decided) == 0
    assert recorder.problems() == 0


def test_a_shared_answer_is_counted_as_shared() -> None:
    recorder, metrics = stand()
    shared = replace(ANSWERED, cache=CacheFacts(CacheResult.COALESCED), outcome=Outcome.NO_CONTEXT)
    metrics.answered(shared, INVALID_SPAN_CONTEXT)
    assert recorder.sample("rag_cache_requests_total", cache="answer", result="coalesced") == 1
    assert recorder.sample("rag_retrieval_no_context_total", collection="documents") == 0
    metrics.answered(replace(ANSWERED, outcome=Outcome.NO_CONTEXT), INVALID_SPAN_CONTEXT)
    assert recorder.sample("rag_retrieval_no_context_total", collection="documents") == 1


def test_the_decision_is_counted_as_it_came_out() -> None:
    recorder, metrics = stand()
    metrics.answered(replace(ANSWERED, route=route(LARGE, SMALL, RouteReason.STEPPED_UP)), INVALID_SPAN_CONTEXT)
    labels = {"tier": "simple", "gen_ai_request_model": LARGE, "reason": "stepped_up"}
    assert recorder.sample("rag_routing_decisions_total", **labels) == 1


def test_who_is_turned_away_is_rejected_and_not_an_error() -> None:
    recorder, metrics = stand()
    error = Rejected(RejectReason.QUEUE_FULL, "busy", retry_after_s=1.0)
    event = Failed(error, Outcome.REJECTED, Timings(0.1, {Stage.ADMISSION: 0.1}), route(SMALL, SMALL))
    metrics.failed(event, "admission", INVALID_SPAN_CONTEXT)
    labels = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "start": "warm"}
    assert recorder.sample(COUNT, **labels, outcome="rejected") == 1
    assert recorder.sample("rag_stage_duration_seconds_count", stage="admission", outcome="rejected") == 1
    assert recorder.sample("rag_errors_total", stage="admission", error_type="overloaded") == 1


@pytest.mark.parametrize(
    ("told", "decided", "stage"), [("embed", True, "embed"), (None, True, "_OTHER"), (None, False, "route")]
)
def test_the_stage_that_failed(told: str | None, decided: bool, stage: str) -> None:
    error = ServiceError(ErrorKind.OTHER, "no", stage=told)
    assert failed_stage(Failed(error, Outcome.ERROR, TIMINGS, route() if decided else None)) == stage
