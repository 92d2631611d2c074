"""The catalogue agrees with the design: names, labels and buckets, and the domain's own words."""

from service.ask.types import Outcome, Stage
from service.errors import ErrorKind
from service.telemetry import catalogue
from service.telemetry.catalogue import (
    ASK_DURATION,
    CONSTANT_LABELS,
    ERRORS,
    EVENT_METRICS,
    L2,
    METRICS,
    SERIES_BUDGET,
    SNAPSHOT_METRICS,
    Attribute,
    L,
    SpanName,
    T,
    series_budget,
    worst_case_series,
)
from service.telemetry.metric import Metric

GEN_AI_BOUNDARIES = [0.01 * 2**step for step in range(14)]


def test_names_are_unique_and_every_metric_is_listed() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert set(METRICS) == {value for value in vars(catalogue).values() if isinstance(value, Metric)}
    assert set(EVENT_METRICS) | set(SNAPSHOT_METRICS) == set(METRICS)
    assert not set(EVENT_METRICS) & set(SNAPSHOT_METRICS)


def test_constant_labels_are_named_after_the_resource_and_no_metric_has_one_of_its_own() -> None:
    assert set(CONSTANT_LABELS) == {"deployment_environment_name", "service_version"}
    for label, attribute in CONSTANT_LABELS.items():
        assert label == attribute.replace(".", "_")
    assert not set(CONSTANT_LABELS) & {name for metric in METRICS for name in metric.label_names}


def test_buckets_rise_and_hold_the_boundaries_of_the_conventions() -> None:
    for buckets in (L, L2, T):
        assert list(buckets) == sorted(set(buckets))
    assert set(L2) <= set(L)
    assert {round(bound, 2) for bound in GEN_AI_BOUNDARIES} <= set(L2)
    assert (T[0], T[-1]) == (1.0, 512.0)
    assert {5.12, 10.24, 29, 58} <= set(ASK_DURATION.buckets)


def test_vocabularies_are_the_domains_own() -> None:
    labels = {label.name: label.values for label in (*ASK_DURATION.labels, *ERRORS.labels)}
    assert labels["outcome"] == tuple(outcome.value for outcome in Outcome)
    assert labels["start"] == ("warm", "cold")
    assert labels["error_type"] == tuple(kind.value for kind in ErrorKind)
    assert labels["stage"] == (*(stage.value for stage in Stage), "_OTHER")


def test_the_worst_case_is_within_the_bar() -> None:
    assert worst_case_series(4) <= SERIES_BUDGET
    assert worst_case_series(4, SNAPSHOT_METRICS) < 200
    assert worst_case_series(10) == series_budget(10)


def test_names_of_spans_and_attributes_are_unique() -> None:
    for names in (SpanName, Attribute):
        values = [value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)]
        assert len(values) == len(set(values))
