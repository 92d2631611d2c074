"""What is exposed is what the catalogue says, and nothing else; exemplars are there exactly when a trace is."""

import re
from collections.abc import Iterable

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from service.telemetry.catalogue import ASK_DURATION, CONSTANT_LABELS, METRICS, PROBLEMS, SNAPSHOT_METRICS
from service.telemetry.exposition import MetricsPage
from service.telemetry.meters import Meters, Reading, SnapshotCollector
from service.telemetry.metric import Kind, Label, Metric, Models, Open
from tests.components.service_client import OPENMETRICS
from tests.telemetry.recorder import EMBEDDER, SMALL, Recorder
from tests.telemetry.test_span_trees import coalesced, extractive, hit, rejected, timeout
from tests.telemetry.wired import Wired

SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count"), Kind.COUNTER: ("",), Kind.GAUGE: ("",), Kind.INFO: ("",)}


def value_of(label: Label) -> str:
    match label.values:
        case Models():
            return SMALL
        case Open():
            return "/ask"
        case values:
            return values[0]


def one_of_each(meters: Meters) -> Iterable[Reading]:
    """Use every metric once; the snapshot ones are returned."""
    for metric in METRICS:
        labels = {label.name: value_of(label) for label in metric.labels}
        if metric in SNAPSHOT_METRICS:
            yield Reading(metric, 2.0, labels)
        elif metric.kind is Kind.HISTOGRAM:
            meters.observe(metric, 0.1, **labels)
        else:
            meters.add(metric, **labels)


def exposed() -> tuple[Recorder, list[Family]]:
    recorder = Recorder()
    readings = list(one_of_each(recorder.meters))
    recorder.registry.register(SnapshotCollector(lambda: readings))
    page, _ = MetricsPage(recorder.registry, dict.fromkeys(CONSTANT_LABELS, "same")).render_now(OPENMETRICS)
    return recorder, list(text_string_to_metric_families(page.decode()))


def test_every_metric_is_exposed_under_its_name_and_no_other_is() -> None:
    _, families = exposed()
    samples = {sample.name for family in families for sample in family.samples}
    assert samples == {metric.name + suffix for metric in METRICS for suffix in SUFFIXES[metric.kind]}


def test_help_kind_labels_and_buckets_are_those_of_the_catalogue() -> None:
    _, families = exposed()
    by_name = {sample.name: family for family in families for sample in family.samples}
    for metric in METRICS:
        family = by_name[metric.name + SUFFIXES[metric.kind][-1]]
        assert (family.type, family.documentation) == (metric.kind.value, metric.help)
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert labels == {*metric.label_names, *CONSTANT_LABELS}, metric.name
        assert buckets(family) == metric.buckets, metric.name


def buckets(family: Family) -> tuple[float, ...]:
    bounds = {float(sample.labels["le"]) for sample in family.samples if sample.name.endswith("_bucket")}
    return tuple(sorted(bounds - {float("inf")}))


def test_the_text_format_has_the_same_names_and_nothing_is_created_beside() -> None:
    recorder, families = exposed()
    text = generate_latest(recorder.registry).decode()
    names = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}
    assert names == {sample.name for family in families for sample in family.samples}
    assert not any(name.endswith("_created") for name in names)
    assert recorder.problems() == 1  # the one that the test itself counted


@pytest.mark.parametrize("scenario", [hit, extractive, timeout, coalesced, rejected], ids=lambda one: one.__name__)
async def test_the_wrappers_record_nothing_outside_the_vocabularies(scenario: object) -> None:
    wired: Wired = await scenario()  # type: ignore[operator]
    assert wired.recorder.problems() == 0


async def test_exemplars_name_traces_that_were_exported() -> None:
    wired = Wired(sampler=ALWAYS_ON)
    await wired.events()
    exported = {(f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}") for span in wired.spans()}
    exemplars = exemplars_of(wired)
    assert {name for name, _ in exemplars} >= {
        "rag_ask_duration_seconds_bucket",
        "rag_stage_duration_seconds_bucket",
        "gen_ai_client_operation_duration_seconds_bucket",
        "gen_ai_client_operation_time_to_first_chunk_seconds_bucket",
        "rag_llm_phase_duration_seconds_bucket",
        "rag_llm_time_to_first_answer_seconds_bucket",
        "rag_llm_output_tokens_per_second_bucket",
        "rag_retrieval_results_bucket",
    }
    for _, labels in exemplars:
        assert set(labels) == {"trace_id", "span_id"}
        assert (labels["trace_id"], labels["span_id"]) in exported


async def test_the_exemplar_of_a_question_is_its_own_span() -> None:
    wired = Wired()
    await wired.events()
    (whole,) = [span for span in wired.spans() if span.name == "invoke_workflow ask"]
    (labels,) = [labels for name, labels in exemplars_of(wired) if name == f"{ASK_DURATION.name}_bucket"]
    assert labels["span_id"] == f"{whole.context.span_id:016x}"


async def test_without_a_sampled_trace_there_is_no_exemplar_but_every_value() -> None:
    wired = Wired(sampler=ALWAYS_OFF)
    await wired.events()
    assert exemplars_of(wired) == []
    labels = {"gen_ai_request_model": SMALL, "tier": "simple", "cache": "miss", "outcome": "ok", "start": "warm"}
    assert wired.sample("rag_ask_duration_seconds_count", **labels) == 1


def exemplars_of(wired: Wired) -> list[tuple[str, dict[str, str]]]:
    text = generate_open_metrics(wired.registry).decode()
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return [(sample.name, sample.exemplar.labels) for sample in samples if sample.exemplar]


def test_label_names_are_the_conventions_own() -> None:
    names = {name for metric in METRICS for name in metric.label_names}
    assert not {name for name in names if "model" in name} - {"gen_ai_request_model"}
    assert EMBEDDER not in names


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_naming_rules(metric: Metric) -> None:
    assert metric.name.startswith(("rag_", "gen_ai_client_"))
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_info") == (metric.kind is Kind.INFO)
    assert (metric.kind is Kind.HISTOGRAM) == bool(metric.buckets)
    if metric.unit in {"seconds", "bytes", "ratio"}:
        assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}")
    assert metric is PROBLEMS or metric.help.endswith((".", "model>."))
