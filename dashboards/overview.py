"""Overview: is it healthy, is it slower than usual, what do people get, and where to look next."""

from grafana_foundation_sdk.builders import dashboard as d

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import latest, now, over_time
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL

UID = "overview"
_CACHED = f'{q.MODELS},cache="$cache"'
_BY_MODEL = (MODEL,)
_GUIDE = """
**Healthy?** All numbers above are green. **Which model is slow?** The one named under *Slowest vs usual*, red in the table *Models*: click its name.
**Which question was it?** Click a line or a diamond: it leads to the slow questions or to the trace of one. The small *i* of a red panel says what to do.
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
    for panel in (*_health(limits), *_budget(limits)):
        made.with_panel(grid.place(panel, 3, 4))
    made.with_panel(grid.place(panels.words("", "How to read this page.", _GUIDE), 24, 3))
    made.with_row(grid.row("What do people get?"))
    for panel in (_traffic(), _failures(limits), _hits(limits)):
        made.with_panel(grid.place(panel, 8, 8))
    made.with_row(grid.row("How long does an answer take?"))
    latency = grid.place(_latency(limits), 10, 9)
    made.with_panel(latency)
    made.with_panel(grid.place(_answers(limits), 5, 9))
    made.with_panel(grid.place(_heatmap(), 9, 9))
    made.with_panel(grid.place(_models(limits), 15, 8))
    made.with_panel(grid.place(_stages(), 9, 8))
    made.with_row(grid.row("What fires?"))
    made.with_panel(grid.place(_firing(), 14, 7))
    made.with_panel(grid.place(_alert_states(), 10, 7))
    marked = [latency.build().id_val]
    for annotation in frame.MARKS:
        made.annotation(annotation(marked))
    return made


def _health(limits: Thresholds) -> list[object]:
    return [
        panels.number(
            "Alerts firing",
            "Alerts of this environment that fire now; the table at the end names them and leads to what to do.",
            now(q.firing_count()),
            look.COUNT,
            bounds=look.rising(1, 3),
            empty="Prometheus does not answer",
            sparkline=False,
        ),
        panels.number(
            "Good answers, 1 h",
            f"Answers without a failure and within their tier's bound; aimed at {limits.slo.target:.0%}. Low: see which "
            "model is slow below, then Slow queries.",
            over_time(q.good_share(limits, q.HOUR), "good"),
            look.RATIO,
            bounds=look.falling(limits.slo.target - 0.05, limits.slo.target),
            decimals=1,
        ).data_links([frame.leads_to("Slow queries", f"{frame.TO_SLOW}&{frame.ANY_MODEL}")]),
        panels.number(
            "Slowest vs usual",
            f"The model whose last hour is furthest above its last day, from {limits.quantiles.min_answers} answers in the hour on; 1 "
            "is as usual. High: click it to see in which phase, and since when.",
            latest(q.slowest_against_its_day(limits), f"{{{{{MODEL}}}}}"),
            look.TIMES,
            bounds=look.rising(*limits.slow.than_a_day),
            empty=f"n < {limits.quantiles.min_answers}",
            decimals=1,
            sparkline=False,
            named=True,
        ).data_links([frame.leads_to("This model", f"{frame.TO_MODEL}${{__field.labels.{MODEL}:percentencode}}")]),
        panels.number(
            "Parts down",
            "Parts of the installation that Prometheus cannot scrape. Not zero: Telemetry health says which; the log of that "
            "part says why.",
            now(q.down()),
            look.COUNT,
            bounds=look.rising(1, 2),
            empty="Prometheus does not answer",
            sparkline=False,
        ).data_links([frame.leads_to("Which part", frame.TO_TELEMETRY)]),
    ]


def _budget(limits: Thresholds) -> list[object]:
    return [
        panels.number(
            "Error budget left",
            "Of the failures and slow answers allowed in the time that is shown, the share still there; below zero more "
            "than all. Stop risky changes until it recovers.",
            now(q.budget_left(limits)),
            look.RATIO,
            bounds=look.falling(0.0, 0.25),
            decimals=0,
            sparkline=False,
        ),
        panels.number(
            "Burn, 1 hour",
            f"How many times faster than allowed the budget is used; {limits.burn.page[0].factor:g} pages somebody. High: what "
            "changed? See the marks of deploys and loads.",
            over_time(q.burn_rate(limits, q.HOUR), "burn"),
            look.TIMES,
            bounds=look.rising(limits.burn.ticket[0].factor, limits.burn.page[0].factor),
            decimals=1,
        ),
        panels.number(
            "Burn, 6 hours",
            f"The same over a longer time: above 1 the budget will not last. Both high: it goes on; only this one: it was. "
            f"From {limits.burn.ticket[0].factor:g} on, plan what to do about it.",
            now(q.burn_rate(limits, "6h")),
            look.TIMES,
            bounds=look.rising(1, limits.burn.ticket[0].factor),
            decimals=1,
            sparkline=False,
        ),
        panels.number(
            "Answers, 5 min",
            f"How many answers the numbers beside it rest on. Below {limits.quantiles.min_answers} they say little, and quantiles are "
            "not shown.",
            over_time(q.answers_in(q.WITHIN, q.ENVIRONMENT), "answers"),
            look.COUNT,
            decimals=0,
        ),
    ]


def _traffic() -> object:
    return panels.lines(
        "Questions per second, by outcome",
        "Red and orange are failures and rejections: click one for Slow queries, which lists them. Yellow: an answer "
        "without all that it should have had; GPU and Ollama shows what is away.",
        [over_time(q.asks(q.MODELS, ("outcome",)), "{{outcome}}")],
        look.PER_SECOND,
        colors=look.OUTCOMES,
    ).data_links([frame.leads_to("Slow and failed questions", f"{frame.TO_SLOW}&{frame.CHOSEN}")])


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
        bounds=look.steps((None, "transparent"), (limits.ratio.errors[1], look.BAD)),
    ).data_links([frame.leads_to("Slow and failed questions", f"{frame.TO_SLOW}&{frame.ANY_MODEL}")])


def _hits(limits: Thresholds) -> object:
    return panels.lines(
        "Share of questions that the cache answered",
        "A fall after a change of documents or models is right: what was kept no longer holds. A lasting one: see Cache "
        "and routing for why entries leave.",
        [over_time(q.hit_share(), "answers")],
        look.RATIO,
        at_most=1,
        bounds=look.steps((None, "transparent"), (limits.ratio.cache_hits_low[0], look.DOUBTFUL)),
    ).data_links([frame.leads_to("Cache and routing", frame.TO_CACHE)])


def _latency(limits: Thresholds) -> object:
    panel = panels.latencies(
        "How long does an answer take, by model",
        f"Mean (thick), median and 95th percentile (dashed) of $cache; the two last over 5 minutes, or over 30 where these have "
        f"fewer than {limits.quantiles.min_answers} answers: see n beside it. A model above its usual line: click the line for its page; a diamond opens one answer's trace.",
        [
            over_time(q.mean(c.ASK_DURATION, _CACHED, _BY_MODEL), f"mean {{{{{MODEL}}}}}", "A"),
            over_time(q.quantile_line(0.5, c.ASK_DURATION, _CACHED, limits, _BY_MODEL), f"p50 {{{{{MODEL}}}}}", "B"),
            over_time(
                q.quantile_line(0.95, c.ASK_DURATION, _CACHED, limits, _BY_MODEL),
                f"p95 {{{{{MODEL}}}}}",
                "C",
                exemplars=True,
            ),
        ],
    )
    this = f"{frame.TO_MODEL}${{__field.labels.{MODEL}:percentencode}}&${{cache:queryparam}}"
    return panel.data_links([frame.leads_to("This model", this), frame.slower(frame.OF_LABEL)])


def _answers(limits: Thresholds) -> object:
    return panels.bars(
        "n, 5 minutes",
        f"How many answers of $cache the lines beside it rest on. Grey, below {limits.quantiles.min_answers}: quantiles are of 30 "
        "minutes or not shown, and the mean jumps.",
        over_time(q.answers_in(q.WITHIN, _CACHED, _BY_MODEL), f"{{{{{MODEL}}}}}"),
        look.COUNT,
        look.steps((None, look.PLAIN), (limits.quantiles.min_answers, look.GOOD)),
        at_most=None,
    ).decimals(0)


def _heatmap() -> object:
    return panels.distribution(
        "How many answers took how long",
        "Of $cache, of the chosen models. A second island higher up is a slow group, such as cold loads: its diamonds open "
        "the traces.",
        q.bucket_counts(_CACHED),
    ).data_links([frame.leads_to("Slow queries", f"{frame.TO_SLOW}&{frame.CHOSEN}")])


def _models(limits: Thresholds) -> object:
    panel = panels.rows(
        "Models, last 30 minutes",
        "A red cell is the model to look at: click its name. Of $cache; vs usual: the last hour's mean of misses "
        "over the day's. Beyond bound: of their tier. Cold: answers that waited for the model to load.",
        [
            now(q.answers_in(q.LATELY, _CACHED, _BY_MODEL), "n"),
            now(q.mean(c.ASK_DURATION, _CACHED, _BY_MODEL, q.LATELY), "mean"),
            now(q.quantile_or_nan(0.95, c.ASK_DURATION, _CACHED, limits, _BY_MODEL, q.LATELY), "p95"),
            now(q.against_a_day(limits), "usual"),
            now(q.over_bound(limits, q.MODELS, _BY_MODEL), "slow"),
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
        "Value #usual": "Vs usual",
        "Value #slow": "Beyond bound",
        "Value #failed": "Failed",
        "Value #cold": "Cold",
    }
    panels.columns(panel, names, join=MODEL)
    few = f"n < {limits.quantiles.min_answers}"
    panels.column(panel, "Model", "string", link=("This model", f"{frame.TO_MODEL}${{__value.raw:percentencode}}"))
    panels.column(panel, "Answers", look.COUNT, empty="0", decimals=0)
    panels.column(panel, "Mean", look.SECONDS)
    panels.column(panel, "p95", look.SECONDS, empty=few)
    panels.column(panel, "Vs usual", look.TIMES, empty=few, decimals=1, bounds=look.rising(*limits.slow.than_a_day))
    allowed = 1 - limits.slo.target
    panels.column(panel, "Beyond bound", look.RATIO, decimals=1, bounds=look.rising(allowed, 3 * allowed))
    panels.column(panel, "Failed", look.RATIO, decimals=1, bounds=look.rising(*limits.ratio.errors))
    panels.column(panel, "Cold", look.COUNT, empty="0", decimals=0)
    return panel.sort_by([panels.longest_first("Mean")])


def _stages() -> object:
    return panels.stacked(
        "Where the seconds of a question go",
        "Mean of questions that the cache did not answer; the parts sum to it. The part that grew is where to look: click it "
        "for its slow spans; Model detail splits generating further.",
        [over_time(q.stage_seconds_per_question(), "{{stage}}")],
        look.SECONDS,
        colors=look.STAGES,
    ).data_links([frame.leads_to("This stage", f"{frame.TO_SLOW}&{frame.ANY_MODEL}&{frame.OF_STAGE}")])


def _firing() -> object:
    panel = panels.rows(
        "Alerts that fire now",
        "The longest first. Click an alert for its rule, with its description and runbook; its model or stage for the page "
        "that shows what it is about.",
        [now(q.firing_since())],
        empty="nothing is firing",
        unit=look.SECONDS,
    )
    names = {
        "alertname": "Alert",
        "severity": "Severity",
        "Value": "For",
        MODEL: "Model",
        "tier": "Tier",
        "stage": "Stage",
        "job": "Part",
    }
    panels.columns(panel, names, hidden=("alertstate", "deployment_environment_name", "instance", "__name__"))
    panels.column(panel, "Alert", "string", link=("Its rule and runbook", frame.TO_RULE))
    panels.column(panel, "Severity", "string", colors=look.SEVERITIES)
    panels.column(panel, "Model", "string", link=("This model", f"{frame.TO_MODEL}${{__value.raw:percentencode}}"))
    stage = f"{frame.TO_SLOW}&{frame.ANY_MODEL}&var-stage=${{__value.raw:percentencode}}"
    panels.column(panel, "Stage", "string", link=("This stage", stage))
    panels.column(panel, "Part", "string", link=("Telemetry health", frame.TO_TELEMETRY))
    return panel.sort_by([panels.longest_first("For")])


def _alert_states() -> object:
    return panels.states(
        "Alerts over time",
        "Orange: the condition holds, not yet for long enough; red: it fires. Several that begin together have one cause: "
        "look at the first.",
        over_time(q.alert_states(), f"{{{{alertname}}}} {{{{{MODEL}}}}}"),
        {0: ("none", look.GOOD), 1: ("waits", look.DOUBTFUL), 2: ("fires", look.BAD)},
    )
