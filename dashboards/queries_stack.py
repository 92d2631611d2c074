"""PromQL about the stack around the service: whether its telemetry can be believed, and what it costs."""

from collections.abc import Iterable

from dashboards import queries as q
from prometheus import foreign
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c

FINE, BROKEN, UNKNOWN = 0, 1, 2
_LARGEST = 10


def collector_lost(name: str, selector: str = q.ENVIRONMENT, window: str = q.LATELY) -> str:
    """How many spans in the window. Such a counter of the Collector begins with its first event, so 0 while the
    Collector is there."""
    there = f"sum ({foreign.COLLECTOR_MEMORY}{{{selector}}})"
    return f"({q.foreign_increase(name, selector, (), window)} or 0 * {there})"


def sdk_dropped(selector: str = q.ENVIRONMENT, window: str = q.LATELY) -> str:
    """Spans for which there was no room in the service's own queue; the counter begins with the first of them."""
    dropped = q.foreign_increase(foreign.SDK_PROCESSED, f'{selector},error_type="queue_full"', (), window)
    return f"({dropped} or 0 * sum ({foreign.SDK_CAPACITY}{{{selector}}}))"


def queue_share(size: str, capacity: str, selector: str = q.ENVIRONMENT) -> str:
    """How full a queue is."""
    return f"{q.foreign_gauge(size, selector)} / {q.foreign_gauge(capacity, selector)}"


def tempo_refused(selector: str = q.ENVIRONMENT, window: str = q.LATELY) -> str:
    """Spans that Tempo threw away; 0 while it has thrown none away, or is not there to do so."""
    return collector_lost(foreign.TEMPO_DISCARDED, selector, window)


def notifications(selector: str = q.ENVIRONMENT, window: str = q.LATELY) -> str:
    """How many in the window, of those receivers that were ever told: Alertmanager counts for every kind that it knows."""
    used = f"sum by (integration) ({foreign.ALERTMANAGER_SENT}{{{selector}}}) > 0"
    return f"{q.foreign_increase(foreign.ALERTMANAGER_SENT, selector, ('integration',), window)} and on (integration) ({used})"


def cores(selector: str = q.ENVIRONMENT) -> str:
    """Cores in use by each part. The Collector has a name of its own for it."""
    parts = (q.foreign_rate(name, selector, ("job",)) for name in (foreign.CPU, foreign.COLLECTOR_CPU))
    return " or ".join(parts)


def memory(selector: str = q.ENVIRONMENT) -> str:
    """Memory of each part. The Collector has a name of its own for it."""
    parts = (q.foreign_gauge(name, selector, ("job",)) for name in (foreign.MEMORY, foreign.COLLECTOR_MEMORY))
    return " or ".join(parts)


def largest_metrics(selector: str = q.ENVIRONMENT, most: int = _LARGEST) -> str:
    """Series of each name that the service exposes, for the names with most. It names no metric: one that a dashboard
    only counts would pass for one that it shows."""
    return f'topk({most}, count by (__name__) ({foreign.ANY}{{{selector},job="emini-rag"}}))'


def checks(limits: Thresholds, selector: str = q.ENVIRONMENT) -> str:
    """A series for each thing that must hold for the other dashboards to be right: `FINE`, `BROKEN`, or `UNKNOWN` where
    nothing says so. What is not measured is never fine."""
    return " or ".join(_check(name, broken) for name, broken in _conditions(limits, selector))


def _conditions(limits: Thresholds, selector: str) -> Iterable[tuple[str, str]]:
    collector = (foreign.COLLECTOR_REFUSED, foreign.COLLECTOR_FAILED, foreign.COLLECTOR_DROPPED)
    lost_there = " + ".join(collector_lost(name, selector, q.WITHIN) for name in collector)
    lost_here = f"{q.lost_spans(selector, q.WITHIN)} + {sdk_dropped(selector, q.WITHIN)}"
    full = queue_share(foreign.COLLECTOR_QUEUE, foreign.COLLECTOR_CAPACITY, selector)
    tempo = q.up(f'{selector},job="tempo"')
    yield "every part is scraped", f"max ({q.up(selector)} == bool 0)"
    yield "the service records what it should", f"{q.increase(c.PROBLEMS, selector)} > bool 0"
    yield "no span is lost in the service", f"({lost_here}) > bool 0"
    yield "no span is lost in the Collector", f"({lost_there}) > bool 0"
    yield "the Collector's queue has room", f"({full}) > bool {limits.queue.collector_full[1]:g}"
    yield "Tempo answers", f"max ({tempo} == bool 0)"
    yield "rules are evaluated", f"{_any(foreign.PROMETHEUS_RULE_FAILURES, selector)} > bool 0"
    yield "alerts are delivered", f"{_any(foreign.ALERTMANAGER_FAILED, selector)} > bool 0"


def _any(name: str, selector: str) -> str:
    return q.foreign_increase(name, selector, (), q.WITHIN)


def _check(name: str, broken: str) -> str:
    return f'label_replace(({broken}) or vector({UNKNOWN}), "check", "{name}", "", "")'
