"""The metrics themselves: built from the catalogue, bounded in number, and never in the way of an answer.

Recording never raises: what goes wrong is counted, and logged once per kind. Values outside a label's vocabulary become
`other` (models) or `_OTHER`. All label sets share one budget of series; beyond it, new combinations of a metric are
counted together in sets that tell how things ended (see `Label.kept`) and are `other` in every further label. So sums
stay true whatever a client sends, and failures are seen as failures however many there are.
"""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from opentelemetry.trace import SpanContext, format_span_id, format_trace_id, get_current_span
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from service.telemetry.catalogue import EVENT_METRICS, PROBLEMS, SNAPSHOT_METRICS, series_budget
from service.telemetry.metric import Kind, Label, Metric, Models, Open
from service.telemetry.vocabulary import NO_MODEL, OTHER, OTHER_MODEL, Problem

_log = logging.getLogger(__name__)
_Child = Counter | Histogram


class Meters:
    """Every metric that wrappers record, in `registry`. `models` may answer; `embedder` makes vectors ("" = none).

    Thread-safe. An exemplar is attached to a histogram when the given, or else the current, span is sampled.
    """

    def __init__(self, registry: CollectorRegistry, models: Sequence[str], *, embedder: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        words = _Words(tuple(models), embedder)
        self.models = words.models
        self._instruments = {metric.name: _Instrument(metric, words, registry) for metric in EVENT_METRICS}
        self._problems = self._instruments[PROBLEMS.name].children
        self._told: set[tuple[str, Problem]] = set()
        self._exemplar: tuple[SpanContext | None, dict[str, str] | None] = (None, None)
        self._left = series_budget(len(words.models)) - sum(
            metric.product(len(words.models)) for metric in SNAPSHOT_METRICS
        )
        for instrument in self._instruments.values():
            self._left -= instrument.metric.series_per_set * instrument.guaranteed

    def observe(self, metric: Metric, value: float, context: SpanContext | None = None, /, **labels: str) -> None:
        """Put one value into a histogram. `context` is the span it belongs to, when that is not the current one."""
        try:
            if not 0.0 <= value < math.inf:
                raise ValueError("a measured value is finite and not negative")
            child = self._child(metric, labels)
            if isinstance(child, Histogram):
                child.observe(value, self._linked(context or get_current_span().get_span_context()))
        except Exception as error:
            self.problem(Problem.FAILED, metric.name, error)

    def add(self, metric: Metric, amount: float = 1.0, /, **labels: str) -> None:
        """Count."""
        try:
            child = self._child(metric, labels)
            if isinstance(child, Counter):
                child.inc(amount)
        except Exception as error:
            self.problem(Problem.FAILED, metric.name, error)

    def prepare(self, metric: Metric, /, **labels: str) -> None:
        """Make a label set that will surely come up, so that its first event is seen as a rise from zero."""
        try:
            self._child(metric, labels)
        except Exception as error:
            self.problem(Problem.FAILED, metric.name, error)

    def problem(self, problem: Problem, where: str, error: Exception | None = None) -> None:
        """Count a fault of telemetry's own and log the first of its kind, without its message: it may hold content."""
        counter = self._problems[problem,]
        if isinstance(counter, Counter):
            counter.inc()
        if (where, problem) not in self._told:
            self._told.add((where, problem))
            _log.warning("telemetry: %s in %s (%s)", problem.value, where, type(error).__name__ if error else "once")

    def _child(self, metric: Metric, labels: Mapping[str, str]) -> _Child:
        instrument = self._instruments[metric.name]
        if len(labels) != len(instrument.names):
            raise ValueError("every label needs a value")
        key = tuple([labels[name] for name in instrument.names])
        return instrument.children.get(key) or self._unusual(instrument, key)

    def _unusual(self, instrument: "_Instrument", key: tuple[str, ...]) -> _Child:
        """A value outside its vocabulary, or a combination that is seen for the first time."""
        known = instrument.folded(key)
        if known != key:
            self.problem(Problem.UNKNOWN_LABEL, instrument.metric.name)
            if known in instrument.children:
                return instrument.children[known]
        overflow = instrument.overflow(known)
        if known == overflow:
            return instrument.make(known)
        if instrument.metric.series_per_set > self._left:
            self.problem(Problem.BUDGET, instrument.metric.name)
            return instrument.children.get(overflow) or instrument.make(overflow)
        self._left -= instrument.metric.series_per_set
        return instrument.make(known)

    def _linked(self, context: SpanContext) -> dict[str, str] | None:
        """The exemplar of a span; several values of one span share it."""
        last, exemplar = self._exemplar
        if last is context:
            return exemplar
        exemplar = None
        if context.is_valid and context.trace_flags.sampled:
            exemplar = {"trace_id": format_trace_id(context.trace_id), "span_id": format_span_id(context.span_id)}
        self._exemplar = (context, exemplar)
        return exemplar


@dataclass(frozen=True, slots=True)
class _Words:
    """The vocabularies that are known only when the service starts."""

    models: tuple[str, ...]
    embedder: str

    def of(self, label: Label) -> tuple[str, ...]:
        """Known values, but for the one that stands for all others. None for an open label."""
        match label.values:
            case Models(embedder=embedder, none=none):
                also = (self.embedder,) if embedder and self.embedder else ()
                return (*dict.fromkeys((*self.models, *also)), *((NO_MODEL,) if none else ()))
            case Open():
                return ()
            case values:
                return values


class _Instrument:
    """One metric and its children by label values. `guaranteed` label sets are kept free for it in the budget."""

    def __init__(self, metric: Metric, words: _Words, registry: CollectorRegistry) -> None:
        self.metric = metric
        self.names = metric.label_names
        self.children: dict[tuple[str, ...], _Child] = {}
        self._others = tuple(OTHER if isinstance(label.values, tuple) else OTHER_MODEL for label in metric.labels)
        self._known = tuple(set(words.of(label)) for label in metric.labels)
        self._vendor = _build(metric, registry)
        if metric.at_start or not metric.labels:
            for key in product(*(words.of(label) for label in metric.labels)):
                self.make(key)
        self.guaranteed = len(self.children) + metric.overflow_sets

    def make(self, key: tuple[str, ...]) -> _Child:
        """The child of a label set, bound once: finding it by names costs more than recording."""
        child = self._vendor.labels(*key) if key else self._vendor
        # A lost race makes the same child twice, which the vendor answers with one and the same.
        self.children[tuple(str(value) for value in key)] = child
        return child

    def folded(self, key: tuple[str, ...]) -> tuple[str, ...]:
        """The key with every unknown value replaced. Open labels learn new values until they are full."""
        folded = []
        for value, known, label, other in zip(key, self._known, self.metric.labels, self._others, strict=True):
            if isinstance(label.values, Open) and len(known) < label.values.max - 1:
                known.add(value)
            folded.append(str(value) if value in known else other)
        return tuple(folded)

    def overflow(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Where a folded key is counted when there is no room for it."""
        values = zip(known, self.metric.labels, self._others, strict=True)
        return tuple(value if label.kept else other for value, label, other in values)


def _build(metric: Metric, registry: CollectorRegistry) -> _Child:
    if metric.kind is Kind.HISTOGRAM:
        return Histogram(
            metric.name, metric.help, metric.label_names, unit=_unit(metric), buckets=metric.buckets, registry=registry
        )
    return Counter(metric.name, metric.help, metric.label_names, unit=_unit(metric), registry=registry)


def _unit(metric: Metric) -> str:
    """The unit as the exposition format wants it: only where the name ends with it."""
    return metric.unit if metric.name.removesuffix("_total").endswith(f"_{metric.unit}") else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One present value of a snapshot metric."""

    metric: Metric
    value: float = 1.0
    labels: Mapping[str, str] = field(default_factory=dict)


class SnapshotCollector(Collector):
    """Turns readings into metrics at scrape time, so that nothing outlives what it describes. Register it once.

    Always shows every metric of `metrics`, if only by name. When `read` fails the scrape goes on with what it gave.
    """

    def __init__(
        self,
        read: Callable[[], Iterable[Reading]],
        metrics: Sequence[Metric] = SNAPSHOT_METRICS,
        on_problem: Callable[[Problem, str, Exception | None], None] | None = None,
    ) -> None:
        self._read = read
        self._metrics = tuple(metrics)
        self._on_problem = on_problem

    def describe(self) -> Iterator[Family]:
        """Names without values, so that registering reads nothing."""
        return iter(self._families().values())

    def collect(self) -> Iterator[Family]:
        families = self._families()
        try:
            for reading in self._read():
                _put(families[reading.metric.name], reading)
        except Exception as error:
            if self._on_problem is not None:
                self._on_problem(Problem.FAILED, "snapshot", error)
        return iter(families.values())

    def _families(self) -> dict[str, Family]:
        return {metric.name: _family(metric) for metric in self._metrics}


def _family(metric: Metric) -> Family:
    match metric.kind:
        case Kind.COUNTER:
            return CounterMetricFamily(metric.name, metric.help, labels=metric.label_names, unit=_unit(metric))
        case Kind.INFO:
            return InfoMetricFamily(metric.name.removesuffix("_info"), metric.help, labels=metric.label_names)
        case _:
            return GaugeMetricFamily(metric.name, metric.help, labels=metric.label_names, unit=_unit(metric))


def _put(family: Family, reading: Reading) -> None:
    values = [str(reading.labels[name]) for name in reading.metric.label_names]
    if isinstance(family, InfoMetricFamily):
        family.add_metric(values, {})
    elif isinstance(family, CounterMetricFamily | GaugeMetricFamily):
        family.add_metric(values, reading.value)
