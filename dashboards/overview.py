"""Overview: is it healthy, is it slower than usual, what do people get, and where to look next."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import now, over_time
from dashboards.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL

UID = "overview"
_CACHED = f'{q.MODELS},cache="$cache"'
_BY_MODEL = (MODEL,)
_GUIDE = """
**Left to right, top to bottom.** Green numbers above: nothing to do. A red one: its description says where to look. A model that is slow has a
line above the others under *How long does an answer take?* and a red cell in the table; click its name. A single slow answer: the diamonds
on the lines and in the heat map open its trace; *Slow queries* (menu *Dashboards*) lists them.
"""


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Overview",
        "Whether the service is healthy, whether a model is slower than usual, and where to look next.",
        variables=[frame.model_variable(), frame.cache_variable()],
    )
    made.with_row(grid.row("Is it healthy?"))
    for panel in _health(limits):
        made.with_panel(grid.place(panel, 4, 4))
    made.with_row(grid.row("What do people get?"))
    for panel in (_traffic(), _failures(limits), _hits(limits)):
        made.with_panel(grid.place(panel, 8, 8))
    made.with_row(grid.row("How long does an answer take?"))
    latency = grid.place(_latency(limits), 12, 9)
    made.with_panel(latency)
    made.with_panel(grid.place(_heatmap(), 12, 9))
    made.with_panel(grid.place(_models(limits), 14, 7))
    made.with_panel(grid.place(_stages(), 10, 7))
    made.with_row(grid.row("What fires, and how to read this"))
    made.with_panel(grid.place(_firing(), 14, 6))
    made.with_panel(
        grid.place(panels.words("How to read this page", "Three sentences for the first time.", _GUIDE), 10, 6)
    )
    marked = [latency.build().id_val]
    for annotation in (frame.deploys(marked), frame.alerts(marked), frame.model_loads(marked)):
        made.annotation(annotation)
    return made


def _health(limits: Thresholds) -> list[object]:
    good = look.falling(limits.slo_target - 0.05, limits.slo_target)
    burning = look.rising(limits.burn_ticket, limits.burn_page)
    return [
        panels.number(
            "Good answers, last hour",
            f"Answers without a failure and within their tier's bound; aimed at {limits.slo_target:.0%}. Low: see which "
            "model is slow below, then Slow queries.",
            over_time(q.good_share(limits, "1h"), "good"),
            look.RATIO,
            bounds=good,
            decimals=1,
        ),
        panels.number(
            "Error budget left",
            "Of the failures and slow answers allowed in the time that is shown, the share still there. Empty: stop risky "
            "changes until it recovers.",
            over_time(q.budget_left(limits), "left"),
            look.RATIO,
            bounds=look.falling(0.0, 0.25),
        ),
        panels.number(
            "Budget burn, last hour",
            f"How many times faster than allowed the budget is used; {limits.burn_page:g} pages somebody. High: what "
            "changed? See the marks of deploys and loads.",
            over_time(q.burn_rate(limits, "1h"), "burn"),
            look.COUNT,
            bounds=burning,
            decimals=1,
        ),
        panels.number(
            "Alerts firing",
            "Alerts of this environment that fire now; the table at the end names them, each with a runbook.",
            now(q.firing_count()),
            look.COUNT,
            bounds=look.rising(1, 3),
            empty="Prometheus does not answer",
            sparkline=False,
        ),
        panels.number(
            "Answers, last 5 minutes",
            "How many answers the numbers beside it rest on. Below 20 they say little, and quantiles are not shown.",
            over_time(q.answers_in("5m", q.ENVIRONMENT), "answers"),
            look.COUNT,
            decimals=0,
        ),
        panels.number(
            "Parts that are down",
            "Parts of the installation that Prometheus cannot scrape. Not zero: Telemetry health says which; the log of that "
            "part says why.",
            now(q.down()),
            look.COUNT,
            bounds=look.rising(1, 2),
            empty="Prometheus does not answer",
            sparkline=False,
        ),
    ]


def _traffic() -> object:
    return panels.lines(
        "Questions per second, by outcome",
        "Red and orange are failures and rejections: Slow queries lists them. Yellow: an answer without all that it "
        "should have had; GPU and Ollama shows what is away.",
        [over_time(q.asks(q.MODELS, ("outcome",)), "{{outcome}}")],
        look.PER_SECOND,
        colors=look.OUTCOMES,
    )


def _failures(limits: Thresholds) -> object:
    return panels.lines(
        "Share that failed, was turned away, or found nothing",
        "Failures: see Slow queries by stage. Turned away: a model is full, see GPU and Ollama. Nothing found: documents "
        "are missing, or questions have changed; see Cache and routing.",
        [
            over_time(q.outcome_share("error"), "error", "A"),
            over_time(q.outcome_share("rejected"), "rejected", "B"),
            over_time(q.outcome_share("no_context"), "no_context", "C"),
        ],
        look.RATIO,
        colors=look.OUTCOMES,
        at_most=1,
        bounds=look.steps((None, "transparent"), (limits.errors[1], look.BAD)),
    )


def _hits(limits: Thresholds) -> object:
    return panels.lines(
        "Share of questions that the cache answered",
        "A fall after a change of documents or models is right: what was kept no longer holds. A lasting one: see Cache "
        "and routing for why entries leave.",
        [over_time(q.hit_share(), "answers")],
        look.RATIO,
        at_most=1,
        bounds=look.steps((None, "transparent"), (limits.cache_hits_low[0], look.DOUBTFUL)),
    )


def _latency(limits: Thresholds) -> object:
    panel = panels.latencies(
        "How long does an answer take, by model",
        "Mean (thick), median and 95th percentile (dashed) of $cache. The two last need 20 answers in 5 minutes. A model "
        "above its usual line: click the line for its page; a diamond opens one answer's trace.",
        [
            over_time(q.mean(c.ASK_DURATION, _CACHED, _BY_MODEL), f"mean {{{{{MODEL}}}}}", "A"),
            over_time(q.quantile(0.5, c.ASK_DURATION, _CACHED, limits, _BY_MODEL), f"p50 {{{{{MODEL}}}}}", "B"),
            over_time(
                q.quantile(0.95, c.ASK_DURATION, _CACHED, limits, _BY_MODEL),
                f"p95 {{{{{MODEL}}}}}",
                "C",
                exemplars=True,
            ),
        ],
    )
    return panel.data_links(
        [
            frame.leads_to("This model", f"{frame.TO_MODEL}${{__field.labels.{MODEL}:percentencode}}"),
            frame.leads_to("Its slow queries", f"{frame.TO_SLOW}&var-model=${{__field.labels.{MODEL}:percentencode}}"),
        ]
    )


def _heatmap() -> object:
    return panels.distribution(
        "How many answers took how long",
        "Of $cache, all models. A second island higher up is a slow group, such as cold loads: its diamonds open the "
        "traces.",
        q.bucket_counts(_CACHED),
    )


def _models(limits: Thresholds) -> object:
    panel = panels.rows(
        "Models, last 30 minutes",
        "A red cell is the model to look at: click its name. Cold: answers that waited for the model to load.",
        [
            now(q.answers_in(q.LATELY, q.MODELS, _BY_MODEL), "n"),
            now(q.mean(c.ASK_DURATION, _CACHED, _BY_MODEL, q.LATELY), "mean"),
            now(q.quantile(0.95, c.ASK_DURATION, _CACHED, limits, _BY_MODEL, q.LATELY), "p95"),
            now(q.slower_than(limits.slow_s), "slow"),
            now(q.error_share(q.MODELS, _BY_MODEL, q.LATELY), "failed"),
            now(q.increase(c.MODEL_LOADS, q.MODELS, _BY_MODEL, q.LATELY), "cold"),
        ],
        empty=panels.QUIET,
    )
    names = {
        MODEL: "Model",
        "Value #n": "Answers",
        "Value #mean": "Mean",
        "Value #p95": "p95",
        "Value #slow": f"Over {limits.slow_s:g} s",
        "Value #failed": "Failed",
        "Value #cold": "Cold",
    }
    panels.columns(panel, names, join=MODEL)
    panels.column(panel, "Model", "string", link=("This model", f"{frame.TO_MODEL}${{__value.raw:percentencode}}"))
    panels.column(panel, "Mean", look.SECONDS, empty="-")
    panels.column(panel, "p95", look.SECONDS, empty=f"n < {limits.min_answers}")
    share = look.rising(1 - limits.slo_target, 3 * (1 - limits.slo_target))
    panels.column(panel, names["Value #slow"], look.RATIO, bounds=share)
    panels.column(panel, "Failed", look.RATIO, bounds=look.rising(*limits.errors))
    return panel


def _stages() -> object:
    return panels.stacked(
        "Where the seconds of a question go",
        "Mean of questions that the cache did not answer; the parts sum to it. The part that grew is where to look: Model "
        "detail splits generating further.",
        [over_time(q.stage_seconds_per_question(), "{{stage}}")],
        look.SECONDS,
        colors=look.STAGES,
    )


def _firing() -> object:
    panel = panels.rows(
        "Alerts that fire now",
        "Each has a description and a runbook in Alertmanager; the longest first.",
        [now(q.firing_since())],
        empty="nothing is firing",
        unit=look.SECONDS,
    )
    names = {"alertname": "Alert", "severity": "Severity", MODEL: "Model", "Value": "For"}
    return panels.columns(
        panel, names, hidden=("alertstate", "deployment_environment_name", "job", "instance", "__name__")
    )
