"""Telemetry health: whether what the other dashboards show can be believed."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import foreign, frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import now, over_time
from dashboards.thresholds import Thresholds
from service.telemetry import catalogue as c

UID = "telemetry"
_E = q.ENVIRONMENT
_JOB = ("job",)


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Telemetry health",
        "Whether what the other dashboards show can be believed: what is scraped, what is lost on the way, what fills up.",
    )
    made.with_row(grid.row("Is everything scraped?"))
    for panel in _scrapes():
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("Are traces lost?"))
    for panel in _traces(limits):
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("Do rules and alerts work?"))
    for panel in _alerting():
        made.with_panel(grid.place(panel, 8, 7))
    made.with_row(grid.row("What does it cost?"))
    for panel in _cost():
        made.with_panel(grid.place(panel, 8, 7))
    return made


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


def _traces(limits: Thresholds) -> list[object]:
    size = q.foreign_gauge(foreign.COLLECTOR_QUEUE, _E)
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
            "`lost in the service`: the Collector is away or slow. `refused`: it has no memory left. `failed`, `dropped`: Tempo is away for long, or the disk is full. Answers are not affected.",
            [
                over_time(q.lost_spans(), "lost in the service", "A"),
                over_time(q.collector_events(foreign.COLLECTOR_REFUSED), "refused", "B"),
                over_time(q.collector_events(foreign.COLLECTOR_FAILED), "failed", "C"),
                over_time(q.collector_events(foreign.COLLECTOR_DROPPED), "dropped", "D"),
            ],
            look.COUNT,
            empty="nothing was lost",
        ),
        panels.lines(
            "The Collector's queue, of its room",
            f"Filling: Tempo is away or slow. Above {limits.collector_full[1]:.0%}: look now; at 100 % spans are dropped.",
            [over_time(f"{size} / {q.foreign_gauge(foreign.COLLECTOR_CAPACITY, _E)}", "in use")],
            look.RATIO,
            at_most=1,
            bounds=look.steps(
                (None, "transparent"), (limits.collector_full[0], look.DOUBTFUL), (limits.collector_full[1], look.BAD)
            ),
            empty="there is no queue: traces go into a file",
        ),
        panels.lines(
            "Faults inside the service's own telemetry, in 30 minutes",
            "A value outside its vocabulary, too many series, or a recording that failed: a fault of the program. The log says which.",
            [over_time(q.increase(c.PROBLEMS, _E, ("problem",), q.LATELY), "{{problem}}")],
            look.COUNT,
            empty="none",
        ),
        panels.number(
            "Series of the service",
            f"At most {c.SERIES_BUDGET} with the usual models. At the budget new label sets are folded into `other`, and dashboards lose detail.",
            over_time(q.foreign_gauge(foreign.SCRAPE_SAMPLES, f'{_E},job="emini-rag"'), "series"),
            look.COUNT,
            bounds=look.rising(0.9 * c.SERIES_BUDGET, c.SERIES_BUDGET),
            empty="the service is not scraped",
        ),
        panels.rows(
            "What runs",
            "Version and revision of the service: compare with what you think was deployed.",
            [now(f"{c.BUILD_INFO.name}{{{_E}}}")],
            empty="the service is not scraped",
            unit="string",
        ),
    ]


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
            "None at all while alerts fire: nobody is named in ALERT_RECEIVERS.",
            [over_time(q.foreign_increase(foreign.ALERTMANAGER_SENT, _E, ("integration",)), "{{integration}}")],
            look.COUNT,
            empty="Alertmanager is not scraped",
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
            [
                over_time(q.foreign_gauge(foreign.MEMORY, _E, _JOB), "{{job}}", "A"),
                over_time(q.foreign_gauge(foreign.COLLECTOR_MEMORY, _E, _JOB), "{{job}}", "B"),
            ],
            look.BYTES,
        ),
        panels.lines(
            "Cores in use, by part",
            "Telemetry should be a small part of the service. Prometheus alone: dashboards of long times, or many series.",
            [over_time(q.foreign_rate(foreign.CPU, _E, _JOB), "{{job}}")],
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
