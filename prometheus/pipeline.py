"""Whether telemetry can be believed: losses on its way, rules that fail, alerts that are not told, labels without end."""

from prometheus import foreign
from prometheus.promql import bound, increase, matching, rise
from prometheus.rule import COUNT, ENVIRONMENT, MODEL, TICKET, Alert, Group, value
from prometheus.thresholds import Thresholds
from service.telemetry.catalogue import (
    ADMISSION_CAPACITY,
    ASK_DURATION,
    PROBLEMS,
    SERIES_BUDGET,
    SERIES_PER_FURTHER_MODEL,
    TRACE_SPANS,
    USUAL_CHAT_MODELS,
)

_HERE = (ENVIRONMENT,)
_TOP = f'le="{bound(ASK_DURATION.buckets[-1])}"'


def group(limits: Thresholds) -> Group:
    """All of it, in one group."""
    return Group(
        "pipeline",
        [*_collector(limits), _spans_lost(limits), *_prometheus(limits), _overflow(limits), _cardinality(limits)],
    )


def _lost(name: str, expr: str, summary: str, description: str, for_: str = "") -> Alert:
    return Alert(name, expr, TICKET, summary, description, for_, dashboard="telemetry")


def _rise(name: str, limits: Thresholds, selector: str = "") -> str:
    """Other programs' counters begin with their first event, and most of these never have one."""
    return rise(name, selector, limits.down.window, _HERE)


def _collector(limits: Thresholds) -> list[Alert]:
    window = limits.down.window
    full = f"max by ({ENVIRONMENT}) ({foreign.COLLECTOR_QUEUE} / {foreign.COLLECTOR_CAPACITY})"
    return [
        _lost(
            "CollectorRefusing",
            f"{_rise(foreign.COLLECTOR_REFUSED, limits)} > 0",
            f"The Collector refused {value(COUNT)} spans",
            f"In the last {window}. It refuses what it has no memory or no room in its queue for; none is usual.",
        ),
        _lost(
            "CollectorExportFailing",
            f"{_rise(foreign.COLLECTOR_FAILED, limits)} > 0",
            f"The Collector could not hand on {value(COUNT)} spans",
            f"In the last {window}, after all its attempts; none is usual. They are lost.",
        ),
        _lost(
            "CollectorQueueFilling",
            f"{full} > {limits.queue.collector_full[1]:g}",
            f"The Collector's queue is {value('humanizePercentage')} full",
            f"Above {limits.queue.collector_full[0]:.0%} is unusual: whoever takes the traces is away or slow. When it is "
            "full, spans are dropped.",
            limits.down.for_,
        ),
        _lost(
            "CollectorDroppingData",
            f"{_rise(foreign.COLLECTOR_DROPPED, limits)} > 0",
            f"The Collector dropped {value(COUNT)} spans",
            f"In the last {window}, because its queue was full or its disk would not take them; none is usual.",
        ),
    ]


def _spans_lost(limits: Thresholds) -> Alert:
    window, on = limits.down.window, matching(_HERE)
    failed = increase(TRACE_SPANS, 'result="failed"', window, _HERE)
    full = _rise(foreign.SDK_PROCESSED, limits, 'error_type="queue_full"')
    return _lost(
        "RagSpansLost",
        f"({failed} + {on} {full} or {failed}) > 0",
        f"The service lost {value(COUNT)} spans",
        f"In the last {window}: the Collector did not take them, or too many came at once; none is usual. Answers were not "
        "slowed.",
    )


def _prometheus(limits: Thresholds) -> list[Alert]:
    window = limits.down.window
    failed = " + ".join(
        f"sum by ({ENVIRONMENT}) (increase({name}[{window}]))"
        for name in (foreign.PROMETHEUS_RULE_FAILURES, foreign.PROMETHEUS_MISSED)
    )
    untold, dropped = (_rise(name, limits) for name in (foreign.ALERTMANAGER_FAILED, foreign.PROMETHEUS_DROPPED))
    return [
        _lost(
            "PrometheusRuleFailing",
            f"{failed} > 0",
            f"{value(COUNT)} evaluations of rules failed or were left out",
            f"In the last {window}; none is usual. The alerts of these rules are blind.",
        ),
        _lost(
            "AlertsNotTold",
            f"{untold} > 0 or {dropped} > 0",
            f"{value(COUNT)} alerts could not be told",
            f"In the last {window}; none is usual. Alertmanager is away, or a receiver refuses: its file, address or key.",
        ),
    ]


def _overflow(limits: Thresholds) -> Alert:
    window = limits.down.window
    every = increase(ASK_DURATION, "", window, _HERE, "_count")
    within = increase(ASK_DURATION, _TOP, window, _HERE, "_bucket")
    return _lost(
        "RagHistogramOverflow",
        f"1 - {within} / ({every} > 0) > {limits.series.overflow:g}",
        f"{value('humanizePercentage')} of the answers take longer than the last bucket",
        f"In the last {window}; at most {limits.series.overflow:.1%} is usual. Quantiles and shares beyond "
        f"{ASK_DURATION.buckets[-1]:g} s cannot be known.",
    )


def _cardinality(limits: Thresholds) -> Alert:
    on = matching(_HERE)
    folded = increase(PROBLEMS, 'problem="series_budget"', limits.down.window, _HERE)
    exposed = f'max by ({ENVIRONMENT}) ({foreign.SCRAPE_SAMPLES}{{job="emini-rag"}})'
    models = f"count by ({ENVIRONMENT}) (count by ({ENVIRONMENT}, {MODEL}) ({ADMISSION_CAPACITY.name}))"
    further = f"clamp_min({models} - {USUAL_CHAT_MODELS}, 0)"
    share = f"{exposed} / {on} ({SERIES_BUDGET} + {SERIES_PER_FURTHER_MODEL} * {further})"
    return _lost(
        "RagCardinalityHigh",
        f"{share} > {limits.series.share:g} or {share} and {on} ({folded} > 0)",
        f"The service has {value('humanizePercentage')} of the series that it may have",
        f"Above {limits.series.share:.0%} of {SERIES_BUDGET} series and {SERIES_PER_FURTHER_MODEL} for every further model, "
        "or some values are already counted together as `_OTHER`: by model and tier they cannot be told apart any more.",
        limits.down.for_,
    )
