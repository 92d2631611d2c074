"""However hard a client tries, one instance exposes a bounded number of series, and sums stay true."""

from collections.abc import Iterator
from itertools import product

from service.ask.types import Outcome, Stage
from service.errors import ErrorKind
from service.routing.port import RouteReason, Tier
from service.telemetry.catalogue import (
    ASK_DURATION,
    CALL_DURATION,
    EVENT_METRICS,
    FOREIGN_SERIES,
    HTTP_DURATION,
    METRICS,
    PHASE_DURATION,
    PROBLEMS,
    SERIES_BUDGET,
    SNAPSHOT_METRICS,
    STAGE_DURATION,
    series_budget,
    worst_case_series,
)
from service.telemetry.instrumented.asker import InstrumentedAsker
from service.telemetry.instrumented.embedder import InstrumentedEmbedder
from service.telemetry.instrumented.generator import InstrumentedGenerator
from service.telemetry.instrumented.retriever import InstrumentedRetriever
from service.telemetry.meters import Meters, SnapshotCollector
from service.telemetry.metric import Kind, Label, Models, Open
from service.telemetry.vocabulary import Phase, StatusClass
from tests.fakes.asker import FakeAsker
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.generator import FakeGenerator
from tests.fakes.retriever import FakeRetriever
from tests.telemetry.recorder import EMBEDDER, Recorder
from tests.telemetry.test_exposition_matches_catalogue import one_of_each
from tests.telemetry.wired import OLLAMA

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
    ask = {"tier": "simple", "cache": "miss", "outcome": "ok", "start": "warm"}
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
    known = {"gen_ai_request_model": MODELS[0], "tier": "simple", "cache": "miss", "outcome": "ok", "start": "warm"}
    recorder.meters.observe(ASK_DURATION, 1.0, **known)
    for values in product(*(possible(label) for label in CALL_DURATION.labels)):
        recorder.meters.observe(CALL_DURATION, 1.0, **dict(zip(CALL_DURATION.label_names, values, strict=True)))
    assert (recorder.sample(PROBLEMS.name, problem="series_budget") or 0) > 0
    recorder.meters.observe(ASK_DURATION, 1.0, **known)
    assert recorder.sample("rag_ask_duration_seconds_count", **known) == 2
    new = known | {"outcome": "cancelled"}
    recorder.meters.observe(ASK_DURATION, 1.0, **new)
    assert recorder.sample("rag_ask_duration_seconds_count", **new) is None
    folded = {"gen_ai_request_model": "other", "tier": "_OTHER", "cache": "_OTHER", "start": "_OTHER"}
    assert recorder.sample("rag_ask_duration_seconds_count", **folded, outcome="cancelled") == 1


def test_without_room_a_failure_is_still_seen_as_what_it_is() -> None:
    recorder = Recorder(models=MODELS)
    for metric in (CALL_DURATION, PHASE_DURATION):
        for values in product(*(possible(label) for label in metric.labels)):
            recorder.meters.observe(metric, 1.0, **dict(zip(metric.label_names, values, strict=True)))
    for outcome, model, tier in product(Outcome, MODELS, Tier):
        asked = {"gen_ai_request_model": model, "tier": tier, "cache": "miss", "start": "warm"}
        recorder.meters.observe(ASK_DURATION, 1.0, **asked, outcome=outcome)
    for status in StatusClass:
        recorder.meters.observe(HTTP_DURATION, 1.0, route="/ask", method="POST", status_class=status)
    for outcome in (Outcome.OK, Outcome.REJECTED, Outcome.ERROR):
        recorder.meters.observe(STAGE_DURATION, 1.0, stage="generate", outcome=outcome)
    folded = {"gen_ai_request_model": "other", "tier": "_OTHER", "cache": "_OTHER", "start": "_OTHER"}
    ended = {how: recorder.sample("rag_ask_duration_seconds_count", **folded, outcome=how) for how in Outcome}
    assert ended == dict.fromkeys(Outcome, len(MODELS) * len(Tier))
    http = {"route": "other", "method": "_OTHER"}
    for status in StatusClass:
        assert recorder.sample("rag_http_request_duration_seconds_count", **http, status_class=status) == 1
    assert recorder.sample("rag_stage_duration_seconds_count", stage="_OTHER", outcome="rejected") == 1
    assert series(recorder) <= series_budget(len(MODELS))


def test_an_eventful_day_with_the_usual_models_fits() -> None:
    """Models asked by name and chosen by policy, every ending and every route, beside what is prepared at start."""
    recorder = Recorder(models=MODELS)
    prepared(recorder)
    for metric, labels in eventful():
        record(recorder.meters, metric, labels)
    assert recorder.sample(PROBLEMS.name, problem="series_budget") == 0
    assert recorder.sample(PROBLEMS.name, problem="unknown_label") == 0
    snapshots = sum(metric.product(len(MODELS)) for metric in SNAPSHOT_METRICS)
    assert series(recorder) + snapshots + FOREIGN_SERIES <= SERIES_BUDGET


def prepared(recorder: Recorder) -> None:
    """What the wrappers make before the first question."""
    stages, meters = recorder.stages, recorder.meters
    InstrumentedAsker(FakeAsker(), stages, meters, tiers=dict(zip(Tier, MODELS, strict=True)))
    InstrumentedGenerator(FakeGenerator(), stages, meters, OLLAMA)
    InstrumentedEmbedder(FakeEmbedder(model=EMBEDDER), stages, meters, OLLAMA)
    InstrumentedRetriever(FakeRetriever(), stages, meters, EMBEDDER)


def eventful() -> Iterator[tuple[str, dict[str, str]]]:
    for tier, model in product(Tier, MODELS):
        asked = {"gen_ai_request_model": model, "tier": tier}
        yield from ((ASK_DURATION.name, {**asked, **ending}) for ending in endings(*ANSWERING))
        yield from (("rag_routing_decisions_total", {**asked, "reason": reason}) for reason in RouteReason)
    for tier, model in zip(Tier, MODELS, strict=True):
        asked = {"gen_ai_request_model": model, "tier": tier}
        yield from ((ASK_DURATION.name, {**asked, **ending}) for ending in endings(*SELDOM))
        quoted = {"gen_ai_request_model": "none", "tier": tier}
        yield from ((ASK_DURATION.name, {**quoted, **ending}) for ending in endings(*WITHOUT_A_MODEL))
        yield from calls(model)
    undecided = {"gen_ai_request_model": "none", "tier": "none"}
    yield from ((ASK_DURATION.name, {**undecided, **ending}) for ending in endings(*UNDECIDED))
    for stage, kind in product((*Stage, "_OTHER"), ErrorKind):
        yield "rag_errors_total", {"stage": stage, "error_type": kind}
    for operation, provider, model in SEARCHES:
        called = {"gen_ai_operation_name": operation, "gen_ai_provider_name": provider, "gen_ai_request_model": model}
        yield from ((CALL_DURATION.name, {**called, "error_type": kind}) for kind in ("", "timeout"))
    yield from ((STAGE_DURATION.name, {"stage": stage, "outcome": "ok"}) for stage in Stage)
    yield from ((STAGE_DURATION.name, {"stage": stage, "outcome": outcome}) for stage, outcome in STAGE_FAILURES)
    for method, route, statuses in REQUESTS:
        for status in statuses.split():
            yield HTTP_DURATION.name, {"route": route, "method": method, "status_class": status}


def endings(*told: str) -> Iterator[dict[str, str]]:
    for cache, outcome, start in (ending.split() for ending in told):
        yield {"cache": cache, "outcome": outcome, "start": start}


def calls(model: str) -> Iterator[tuple[str, dict[str, str]]]:
    asked = {"gen_ai_request_model": model}
    yield from (("rag_llm_phase_duration_seconds", {**asked, "phase": phase}) for phase in Phase)
    yield "rag_llm_time_to_first_answer_seconds", asked
    yield "rag_llm_output_tokens_per_second", asked
    call = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "ollama", **asked}
    for kind in ("", "timeout", "connection_error", "server_error", "cancelled"):
        yield CALL_DURATION.name, {**call, "error_type": kind}
    for kind in ("", "stream_error", "cancelled"):
        yield "gen_ai_client_operation_time_to_first_chunk_seconds", {**call, "error_type": kind}


# Cache, outcome and start of questions: those of any model with any tier, the seldom ones, those without a model.
ANSWERING = (
    "hit ok warm", "miss ok warm", "miss ok cold", "miss degraded warm", "miss rejected warm", "miss error warm",
    "miss cancelled warm",
)  # fmt: skip
SELDOM = ("bypass ok warm", "hit degraded warm", "miss degraded cold")
WITHOUT_A_MODEL = ("miss no_context warm", "bypass no_context warm", "miss degraded warm", "hit degraded warm")
UNDECIDED = ("miss error warm", "miss cancelled warm")
SEARCHES = (("embeddings", "ollama", EMBEDDER), ("retrieval", "chroma", EMBEDDER), ("retrieval", "chroma", "none"))
STAGE_FAILURES = (
    ("route", "error"), ("retrieve", "error"), ("admission", "rejected"), ("admission", "error"), ("generate", "error"),
)  # fmt: skip
REQUESTS = (
    ("POST", "/ask", "2xx 4xx 5xx 499"),
    ("POST", "/v1/chat/completions", "2xx 4xx 5xx 499"),
    ("GET", "/v1/models", "2xx 4xx"),
    ("GET", "/v1/models/{name:path}", "2xx 4xx"),
    ("POST", "/documents", "2xx 4xx 5xx 499"),
    ("GET", "/documents", "2xx 4xx"),
    ("GET", "/documents/{document_id}", "2xx 4xx"),
    ("DELETE", "/documents/{document_id}", "2xx 4xx"),
    ("GET", "/documents/{document_id}/text", "2xx 4xx"),
    ("GET", "/monitoring/performance", "2xx 4xx"),
    ("GET", "/monitoring/cache", "2xx 4xx"),
    ("DELETE", "/monitoring/cache", "2xx 4xx"),
    ("GET", "/monitoring/recent", "2xx 4xx"),
    ("GET", "/monitoring/slow", "2xx 4xx"),
    ("GET", "/monitoring/traces/{trace_id}", "2xx 4xx 5xx"),
    ("GET", "/monitoring/usual", "2xx 4xx"),
    ("GET", "/monitoring/live", "2xx 4xx"),
    ("GET", "/monitoring/models", "2xx 4xx"),
    ("POST", "/monitoring/models/{name:path}/preload", "2xx 4xx 5xx"),
    ("POST", "/checkpoint/hold", "2xx 4xx 5xx"),
    ("POST", "/checkpoint/release", "2xx 4xx"),
    ("POST", "/checkpoint/restored", "2xx 4xx"),
    ("POST", "/checkpoint/search", "2xx 4xx"),
    ("GET", "/openapi.json", "2xx 4xx"),
    ("GET", "/session", "2xx 4xx"),
    ("GET", "/", "2xx 3xx"),
    ("HEAD", "/", "2xx"),
    ("GET", "unmatched", "4xx"),
    ("POST", "unmatched", "4xx"),
)


def test_the_budget_grows_only_with_configured_models() -> None:
    assert series_budget(2) == series_budget(4) == SERIES_BUDGET - FOREIGN_SERIES
    assert series_budget(6) > series_budget(4)
    assert worst_case_series(4, METRICS) == worst_case_series(4)
