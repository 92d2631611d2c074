"""Telemetry health: whether what the other dashboards show can be believed."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards import queries_stack as stack
from dashboards.grid import Grid
from dashboards.sources import latest, now, over_time
from prometheus import foreign
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c

UID = "telemetry"
_E = q.ENVIRONMENT
_JOB = ("job",)
# Of the budget. Room is kept for what is not exposed yet, so new label sets are refused before it is full.
_SERIES_TIGHT = 0.8


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Telemetry health",
        "Whether what the other dashboards show can be believed: what is scraped, what is lost on the way, what fills up.",
    )
    made.with_row(grid.row("Can the other dashboards be believed?"))
    made.with_panel(grid.place(_checks(limits), 24, 8))
    made.with_row(grid.row("Is everything scraped?"))
    for panel in _scrapes():
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("Are traces lost?"))
    for panel in (*_way(limits), _faults()):
        made.with_panel(grid.place(panel, 12, 7))
    made.with_row(grid.row("Do rules and alerts work?"))
    for panel in _alerting():
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("What does it cost?"))
    for panel in _cost():
        made.with_panel(grid.place(panel, 8, 7))
    made.with_panel(grid.place(_series(), 4, 8))
    made.with_panel(grid.place(_largest(), 20, 8))
    made.with_panel(grid.place(_builds(), 24, 4))
    return made


def _checks(limits: Thresholds) -> object:
    return panels.states(
        "What is wrong with the telemetry",
        "Red: the row's name does not hold, so numbers or alerts are missing; the row of panels below says where. Grey: nothing measures it, which is no good sign unless that part is not meant to run. All is of the last 5 minutes.",
        over_time(stack.checks(limits), "{{check}}"),
        {
            stack.FINE: ("holds", look.GOOD),
            stack.BROKEN: ("does not hold", look.BAD),
            stack.UNKNOWN: ("not measured", look.PLAIN),
        },
    )


def _scrapes() -> list[object]:
    return [
        panels.states(
            "Parts that answer Prometheus",
            "Red: nothing of that part is recorded now, and alerts about it cannot fire. Its log says why it is away.",
            over_time(q.foreign_gauge(foreign.UP, _E, _JOB), "{{job}}"),
            {0: ("away", look.BAD), 1: ("there", look.GOOD)},
        ),
        panels.lines(
            "Time of a scrape",
            "Near 10 s a scrape is given up, and a part looks away though it works: it is busy, or exposes too much.",
            [over_time(q.foreign_gauge(foreign.SCRAPE_SECONDS, _E, _JOB), "{{job}}")],
            look.SECONDS,
        ),
        panels.lines(
            "Samples per scrape",
            "A part that grows without end: a label takes values from outside. Beyond the limit in prometheus.yml its scrape is refused.",
            [over_time(q.foreign_gauge(foreign.SCRAPE_SAMPLES, _E, _JOB), "{{job}}")],
            look.COUNT,
        ),
    ]


def _way(limits: Thresholds) -> list[object]:
    return [
        panels.lines(
            "Spans per second, on their way",
            "All lines lie on each other while all is well. `ended` above `accepted`: the Collector does not get them. `accepted` above `sent`: Tempo does not take them, and they queue.",
            [
                over_time(q.rate(c.TRACE_SPANS_ENDED, _E), "ended in the service", "A"),
                over_time(q.rate(c.TRACE_SPANS, f'{_E},result="delivered"'), "delivered to the Collector", "B"),
                over_time(q.foreign_rate(foreign.COLLECTOR_ACCEPTED), "accepted by the Collector", "C"),
                over_time(q.foreign_rate(foreign.COLLECTOR_SENT), "sent on", "D"),
            ],
            look.PER_SECOND,
        ),
        panels.lines(
            "Spans lost or refused in 30 minutes",
            "`lost in the service`, `no room in the service`: the Collector is away or slow. `refused`: it has no memory left. `failed`, `dropped`: Tempo is away for long, or the disk is full. `refused by Tempo`: see its limits. Answers are not affected.",
            [
                over_time(q.lost_spans(), "lost in the service", "A"),
                over_time(stack.collector_lost(foreign.COLLECTOR_REFUSED), "refused", "B"),
                over_time(stack.collector_lost(foreign.COLLECTOR_FAILED), "failed", "C"),
                over_time(stack.collector_lost(foreign.COLLECTOR_DROPPED), "dropped", "D"),
                over_time(stack.sdk_dropped(), "no room in the service", "E"),
                over_time(stack.tempo_refused(), "refused by Tempo", "F"),
            ],
            look.COUNT,
            empty="nothing was lost",
        ),
        panels.lines(
            "The Collector's queue, of its room",
            f"Filling: Tempo is away or slow. Above {limits.queue.collector_full[1]:.0%}: look now; at 100 % spans are dropped. In the service: the Collector is away or slow.",
            [
                over_time(
                    stack.queue_share(foreign.COLLECTOR_QUEUE, foreign.COLLECTOR_CAPACITY), "in the Collector", "A"
                ),
                over_time(stack.queue_share(foreign.SDK_QUEUE, foreign.SDK_CAPACITY), "in the service", "B"),
            ],
            look.RATIO,
            at_most=1,
            bounds=look.steps(
                (None, "transparent"),
                (limits.queue.collector_full[0], look.DOUBTFUL),
                (limits.queue.collector_full[1], look.BAD),
            ),
            empty="there is no queue: traces go into a file",
        ),
    ]


def _faults() -> object:
    return panels.lines(
        "Faults inside the service's own telemetry, in 30 minutes",
        "A value outside its vocabulary, too many series, or a recording that failed: a fault of the program. The log says which.",
        [over_time(q.increase(c.PROBLEMS, _E, ("problem",), q.LATELY), "{{problem}}")],
        look.COUNT,
        empty="none",
    )


def _series() -> object:
    return panels.number(
        "Series of the service",
        f"At most {c.SERIES_BUDGET} with the usual models. Orange: an outage, with its many new kinds of failure, may find no room; what does not fit is counted together, and dashboards lose detail. `series_budget` among the faults says that it has happened.",
        over_time(q.foreign_gauge(foreign.SCRAPE_SAMPLES, f'{_E},job="emini-rag"'), "series"),
        look.COUNT,
        bounds=look.rising(_SERIES_TIGHT * c.SERIES_BUDGET, c.SERIES_BUDGET),
        empty="the service is not scraped",
    )


def _largest() -> object:
    return panels.bars(
        "Which metrics have most series",
        "The ten largest names; a histogram is mostly its buckets. One that grew since the last version, or a label with values from outside: there is the way to the budget.",
        latest(stack.largest_metrics(), "{{__name__}}"),
        look.COUNT,
        look.plain(),
        at_most=None,
        empty="the service is not scraped",
    )


def _builds() -> object:
    panel = panels.rows(
        "What runs",
        "Version and revision of the service: compare with what you think was deployed.",
        [now(f"{c.BUILD_INFO.name}{{{_E}}}")],
        empty="the service is not scraped",
        unit="string",
    )
    names = {"version": "Version", "revision": "Revision", "environment": "Environment", "python": "Python"}
    hidden = ("Value", "__name__", "instance", "job", "deployment_environment_name", "service_version")
    return panels.columns(panel, names, hidden=hidden)


def _alerting() -> list[object]:
    return [
        panels.lines(
            "Rule evaluations that failed, in 30 minutes",
            "Not 0: some alert cannot fire. Prometheus lists the rule with its error under Status, Rules.",
            [over_time(q.foreign_increase(foreign.PROMETHEUS_RULE_FAILURES), "failed")],
            look.COUNT,
            empty="there are no rules",
        ),
        panels.lines(
            "Notifications in 30 minutes, by receiver",
            "Of the receivers that were ever told. None at all while alerts fire: nobody is named in ALERT_RECEIVERS.",
            [over_time(stack.notifications(), "{{integration}}")],
            look.COUNT,
            empty="nobody was told of anything",
        ),
        panels.lines(
            "Notifications that failed in 30 minutes",
            "Alerts fire and nobody hears: see Alertmanager's log, and the files in prometheus/receivers.",
            [over_time(q.foreign_increase(foreign.ALERTMANAGER_FAILED, _E, ("integration",)), "{{integration}}")],
            look.COUNT,
            empty="Alertmanager is not scraped",
        ),
    ]


def _cost() -> list[object]:
    return [
        panels.lines(
            "Memory, by part",
            "One that only grows: restart it, and tell its makers. All together should stay below 1 GB without the service.",
            [over_time(stack.memory(), "{{job}}")],
            look.BYTES,
        ),
        panels.lines(
            "Cores in use, by part",
            "Telemetry should be a small part of the service. Prometheus alone: dashboards of long times, or many series.",
            [over_time(stack.cores(), "{{job}}")],
            look.COUNT,
        ),
        panels.lines(
            "Series and exemplars in Prometheus",
            "Series jump with each new version and fall back after some hours. Growth without end: see samples per scrape.",
            [
                over_time(q.foreign_gauge(foreign.PROMETHEUS_SERIES, _E), "series", "A"),
                over_time(q.foreign_gauge(foreign.PROMETHEUS_EXEMPLARS, _E), "exemplars", "B"),
            ],
            look.COUNT,
        ),
    ]
