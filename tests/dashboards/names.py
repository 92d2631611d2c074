"""What a metric on a dashboard may be called, and which labels and bounds it has: from the catalogue, or from the list
of what other programs expose."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus import foreign
from prometheus.__main__ import ENVIRONMENTS
from service.telemetry.catalogue import CONSTANT_LABELS, METRICS
from service.telemetry.metric import Kind, Metric, Models, Open
from tests.config import shipped_rules

# What Prometheus puts on everything that it scrapes.
SCRAPED = frozenset(("job", "instance"))


@dataclass(frozen=True)
class Known:
    """One series name. `labels` None: whatever it has. `values` are the closed vocabularies among its labels."""

    labels: frozenset[str] | None
    values: Mapping[str, frozenset[str]]
    bounds: frozenset[str]
    counts: bool


def exposed() -> dict[str, Known]:
    """Every series name that the service exposes."""
    found = {}
    for metric in METRICS:
        for suffix in _suffixes(metric):
            found[metric.name + suffix] = _known(metric, suffix)
    return found


def foreign_names() -> frozenset[str]:
    """Names of what other programs expose, that dashboards may use."""
    return frozenset(value for name, value in vars(foreign).items() if name.isupper() and isinstance(value, str))


def recorded() -> frozenset[str]:
    """Names of what the rules record, in every environment."""
    return frozenset(name for environment in ENVIRONMENTS for name in shipped_rules.recorded(environment))


def _suffixes(metric: Metric) -> tuple[str, ...]:
    if metric.kind is Kind.HISTOGRAM:
        return ("_bucket", "_sum", "_count")
    return ("",)


def _known(metric: Metric, suffix: str) -> Known:
    labels = {label.name for label in metric.labels} | set(CONSTANT_LABELS) | SCRAPED
    bounds: frozenset[str] = frozenset()
    if suffix == "_bucket":
        labels.add("le")
        bounds = frozenset((*(repr(float(bound)) for bound in metric.buckets), "+Inf"))
    values = {
        label.name: frozenset(label.values) for label in metric.labels if not isinstance(label.values, Models | Open)
    }
    counts = metric.kind in (Kind.COUNTER, Kind.HISTOGRAM)
    return Known(frozenset(labels), values, bounds, counts)
