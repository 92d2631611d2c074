"""However hard a client tries, one instance exposes a bounded number of series, and sums stay true."""

from itertools import product

from service.telemetry.catalogue import (
    ASK_DURATION,
    CALL_DURATION,
    EVENT_METRICS,
    FOREIGN_SERIES,
    METRICS,
    PROBLEMS,
    SERIES_BUDGET,
    SNAPSHOT_METRICS,
    series_budget,
    worst_case_series,
)
from service.telemetry.meters import Meters, SnapshotCollector
from service.telemetry.metric import Kind, Label, Models, Open
from tests.telemetry.recorder import EMBEDDER, Recorder
from tests.telemetry.test_exposition_matches_catalogue import one_of_each

MODELS = ("llama3.2:3b", "llama3.1:latest", "qwen2.5-coder:14b", "gpt-oss:20b")


def series(recorder: Recorder) -> int:
    return sum(len(family.samples) for family in recorder.registry.collect())


def possible(label: Label) -> tuple[str, ...]:
    match label.values:
        case Models(embedder=embedder, none=none):
            return (*MODELS, *((EMBEDDER,) if embedder else ()), *(("none",) if none else ()), "stranger")
        case Open(max=most):
            return tuple(f"/route-{number}" for number in range(most + 5))
        case values:
            return values


def record(meters: Meters, metric_name: str, labels: dict[str, str]) -> None:
    metric = next(metric for metric in EVENT_METRICS if metric.name == metric_name)
    if metric.kind is Kind.HISTOGRAM:
        meters.observe(metric, 0.1, **labels)
    else:
        meters.add(metric, **labels)


def test_a_thousand_hostile_model_names_add_no_series() -> None:
    recorder = Recorder(models=MODELS)
    ask = {"tier": "simple", "cache": "miss", "outcome": "ok"}
    call = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama", "error_type": ""}
    for metric, labels in ((ASK_DURATION, ask), (CALL_DURATION, call)):
        recorder.meters.observe(metric, 1.0, **labels, gen_ai_request_model="first stranger")
    before = series(recorder)
    for number in range(1000):
        recorder.meters.observe(ASK_DURATION, 1.0, **ask, gen_ai_request_model=f"x{number}\n{{}}")
        recorder.meters.observe(CALL_DURATION, 1.0, **call, gen_ai_request_model="y" * number)
    assert series(recorder) == before
    count = recorder.sample("rag_ask_duration_seconds_count", **ask, gen_ai_request_model="other")
    assert count == 1001


def test_every_combination_of_every_label_stays_within_the_budget_and_loses_no_count() -> None:
    recorder = Recorder(models=MODELS)
    readings = list(one_of_each(recorder.meters))
    recorder.registry.register(SnapshotCollector(lambda: readings))
    recorded = dict.fromkeys((metric.name for metric in EVENT_METRICS), 1)
    for metric in EVENT_METRICS:
        if metric is PROBLEMS:
            continue
        for values in product(*(possible(label) for label in metric.labels)):
            record(recorder.meters, metric.name, dict(zip(metric.label_names, values, strict=True)))
            recorded[metric.name] += 1
    assert series(recorder) <= worst_case_series(len(MODELS)) <= SERIES_BUDGET
    totals = {name: total(recorder, name) for name in recorded if name != PROBLEMS.name}
    assert totals == {name: count for name, count in recorded.items() if name != PROBLEMS.name}


def total(recorder: Recorder, name: str) -> float:
    families = recorder.registry.collect()
    wanted = {name, f"{name}_count"}
    return sum(sample.value for family in families for sample in family.samples if sample.name in wanted)


def test_beyond_the_budget_the_fault_is_counted_and_known_sets_go_on() -> None:
    recorder = Recorder(models=MODELS)
    known = {"gen_ai_request_model": MODELS[0], "tier": "simple", "cache": "miss", "outcome": "ok"}
    recorder.meters.observe(ASK_DURATION, 1.0, **known)
    for values in product(*(possible(label) for label in CALL_DURATION.labels)):
        recorder.meters.observe(CALL_DURATION, 1.0, **dict(zip(CALL_DURATION.label_names, values, strict=True)))
    assert (recorder.sample(PROBLEMS.name, problem="series_budget") or 0) > 0
    recorder.meters.observe(ASK_DURATION, 1.0, **known)
    assert recorder.sample("rag_ask_duration_seconds_count", **known) == 2
    new = known | {"outcome": "cancelled"}
    recorder.meters.observe(ASK_DURATION, 1.0, **new)
    assert recorder.sample("rag_ask_duration_seconds_count", **new) is None
    folded = {"gen_ai_request_model": "other", "tier": "_OTHER", "cache": "_OTHER", "outcome": "_OTHER"}
    assert recorder.sample("rag_ask_duration_seconds_count", **folded) == 1


def test_an_eventful_day_with_the_usual_models_fits() -> None:
    """Every label value seen, in the combinations that the service can make of them."""
    recorder = Recorder(models=MODELS)
    for metric, labels in eventful():
        record(recorder.meters, metric, labels)
    assert recorder.sample(PROBLEMS.name, problem="series_budget") == 0
    snapshots = sum(metric.product(len(MODELS)) for metric in SNAPSHOT_METRICS)
    assert series(recorder) + snapshots + FOREIGN_SERIES <= SERIES_BUDGET


def eventful() -> list[tuple[str, dict[str, str]]]:
    day: list[tuple[str, dict[str, str]]] = []
    for tier, model in zip(("simple", "medium", "complex", "research"), MODELS, strict=True):
        asked = {"gen_ai_request_model": model, "tier": tier}
        day += [("rag_ask_duration_seconds", {**asked, "cache": cache, "outcome": "ok"}) for cache in ("hit", "miss")]
        day += [("rag_llm_phase_duration_seconds", {"gen_ai_request_model": model, "phase": p}) for p in PHASES]
        day.append(("rag_llm_time_to_first_answer_seconds", {"gen_ai_request_model": model}))
        day.append(("rag_llm_output_tokens_per_second", {"gen_ai_request_model": model}))
        call = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama", "gen_ai_request_model": model}
        day.append(("gen_ai_client_operation_duration_seconds", {**call, "error_type": ""}))
        day.append(("gen_ai_client_operation_time_to_first_chunk_seconds", {**call, "error_type": ""}))
        day += [("rag_routing_decisions_total", {**asked, "reason": reason}) for reason in REASONS]
    seldom = {"gen_ai_request_model": MODELS[0], "tier": "simple"}
    endings = [("miss", "no_context"), ("miss", "degraded"), ("miss", "rejected"), ("miss", "error")]
    endings += [("miss", "cancelled"), ("bypass", "ok")]
    day += [("rag_ask_duration_seconds", {**seldom, "cache": cache, "outcome": end}) for cache, end in endings]
    for kind in ("timeout", "connection_error", "cancelled"):
        day.append(("gen_ai_client_operation_duration_seconds", {**call, "error_type": kind}))
        day += [("rag_errors_total", {"stage": stage, "error_type": kind}) for stage in ("retrieve", "generate")]
    for operation, provider in (("embeddings", "ollama"), ("retrieval", "chroma")):
        labels = {"gen_ai_operation_name": operation, "gen_ai_provider_name": provider, "error_type": ""}
        day.append(("gen_ai_client_operation_duration_seconds", {**labels, "gen_ai_request_model": EMBEDDER}))
    day += [("rag_stage_duration_seconds", {"stage": stage, "outcome": "ok"}) for stage in STAGES]
    day += [("rag_stage_duration_seconds", {"stage": "admission", "outcome": "rejected"})]
    day += [("rag_stage_duration_seconds", {"stage": "generate", "outcome": "error"})]
    for route, method, status in REQUESTS:
        labels = {"route": route, "method": method, "status_class": status}
        day.append(("rag_http_request_duration_seconds", labels))
    return day


PHASES = ("queue", "load", "prompt_eval", "eval")
REASONS = ("policy", "requested", "stepped_down", "stepped_up", "unavailable")
STAGES = (
    "route", "cache_lookup", "coalesce", "embed", "retrieve", "prompt", "admission", "generate", "extract",
    "cache_store",
)  # fmt: skip
REQUESTS = (
    ("/ask", "POST", "2xx"), ("/ask", "POST", "4xx"), ("/ask", "POST", "5xx"), ("/ask", "POST", "499"),
    ("/v1/chat/completions", "POST", "2xx"), ("/v1/chat/completions", "POST", "4xx"), ("/v1/models", "GET", "2xx"),
    ("/documents", "POST", "2xx"), ("/documents", "POST", "4xx"), ("/documents", "GET", "2xx"),
    ("/documents/{id}", "DELETE", "2xx"), ("/monitoring/performance", "GET", "2xx"),
    ("/monitoring/slow", "GET", "2xx"), ("other", "GET", "4xx"),
)  # fmt: skip


def test_the_budget_grows_only_with_configured_models() -> None:
    assert series_budget(2) == series_budget(4) == SERIES_BUDGET - FOREIGN_SERIES
    assert series_budget(6) > series_budget(4)
    assert worst_case_series(4, METRICS) == worst_case_series(4)
