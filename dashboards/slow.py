"""Slow queries: which ones, in which stage, and the way to each one's trace."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as dm

from dashboards import frame, look, panels, traceql
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import now, over_time, spans
from prometheus.thresholds import Thresholds
from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL
from service.telemetry.catalogue import Attribute, SpanName

UID = "slow"
# A stage, as metrics call it, and the pattern of its spans' names. The dearest first: it is what is shown at first.
SPANS_OF: Mapping[Stage, str] = {
    Stage.GENERATE: SpanName.CHAT.format(".*"),
    Stage.ADMISSION: SpanName.ADMISSION,
    Stage.EMBED: SpanName.EMBEDDINGS.format(".*"),
    Stage.RETRIEVE: SpanName.RETRIEVAL.format(".*"),
    Stage.COALESCE: SpanName.COALESCE,
    Stage.ROUTE: SpanName.ROUTE,
    Stage.CACHE_LOOKUP: SpanName.CACHE_LOOKUP,
    Stage.PROMPT: SpanName.PROMPT,
    Stage.EXTRACT: SpanName.EXTRACT,
    Stage.CACHE_STORE: SpanName.CACHE_STORE,
}
_LIMITED = " Of the newest 200 that match, the longest first; `emini-rag slow` ranks all that the service remembers."
_TRACE = ("Where its seconds went", frame.TO_TRACE + "${__data.fields.traceIdHidden}")


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    slow = frame.text_variable("slow", "Slower than", f"{limits.slow.default_s:g}s")
    made = frame.dashboard(
        UID,
        "Slow queries",
        "The questions that took long, failed, or waited for a model to load, each with its trace; and the stage that is to blame.",
        variables=[
            frame.model_variable(),
            slow,
            _stage_variable(),
            frame.any_of_variable("outcome", "Outcome", Outcome),
            frame.any_of_variable("cache", "Cache", CacheResult),
        ],
        traces=True,
    )
    made.with_row(grid.row("Which stage is to blame?"))
    for panel, width in ((_growth(limits), 9), (_stages(), 8), (_first(limits), 7)):
        made.with_panel(grid.place(panel, width, 8))
    for panel, width in ((_stage_tail(limits), 9), (_answers(), 3), (_errors(), 12)):
        made.with_panel(grid.place(panel, width, 8))
    made.with_row(grid.row("Which questions?"))
    made.with_panel(grid.place(_slowest(), 24, 9))
    made.with_panel(grid.place(_failed(), 12, 8))
    made.with_panel(grid.place(_cold(), 12, 8))
    made.with_row(grid.row("Which calls of one stage?"))
    made.with_panel(grid.place(_slow_stage(), 24, 8))
    return made


def _stage_variable() -> d.CustomVariable:
    """Shown, and given in links, by the stage's name; its value is the pattern."""
    named = ",".join(f"{stage} : {pattern}" for stage, pattern in SPANS_OF.items())
    first, pattern = next(iter(SPANS_OF.items()))
    return (
        d.CustomVariable("stage")
        .label("Stage")
        .values(named)
        .current(dm.VariableOption(text=str(first), value=pattern))
    )


def _growth(limits: Thresholds) -> object:
    panel = panels.rows(
        "Which stage grew",
        "Seconds of each stage in a question that the cache did not answer: the last 30 minutes, the last day, and by how "
        "much it grew. The first one is to blame for what is slower than usual: click it for its slow spans.",
        [
            now(q.stage_seconds_per_question(window=q.LATELY), "lately"),
            now(q.stage_seconds_per_question(window=q.DAY), "usual"),
            now(q.stage_growth(), "growth"),
            now(q.quantile_or_nan(0.95, c.STAGE_DURATION, q.ENVIRONMENT, limits, ("stage",), q.LATELY), "p95"),
            now(q.increase(c.STAGE_DURATION, q.ENVIRONMENT, ("stage",), q.LATELY, "_count"), "n"),
        ],
        empty=panels.QUIET,
        unit=look.SECONDS,
    )
    names = {
        "stage": "Stage",
        "Value #lately": "Lately",
        "Value #usual": "Usually",
        "Value #growth": "Grew by",
        "Value #p95": "p95",
        "Value #n": "n",
    }
    panels.columns(panel, names, join="stage")
    stage = f"{frame.TO_SLOW}&{frame.CHOSEN}&${{slow:queryparam}}&var-stage=${{__value.raw:percentencode}}"
    panels.column(panel, "Stage", "string", link=("Its slow spans, below", stage))
    panels.column(panel, "p95", look.SECONDS, empty=f"n < {limits.quantiles.min_answers}")
    panels.column(panel, "n", look.COUNT, empty="0", decimals=0)
    return panel.sort_by([panels.longest_first("Grew by")])


def _stages() -> object:
    return panels.stacked(
        "Where the seconds of a question go, by stage",
        "Mean of questions that the cache did not answer. The stage that grew is the one to look at: click it for its slow "
        "spans, below.",
        [over_time(q.stage_seconds_per_question(), "{{stage}}")],
        look.SECONDS,
        colors=look.STAGES,
    ).data_links([frame.leads_to("This stage", f"{frame.TO_SLOW}&{frame.CHOSEN}&{frame.OF_STAGE}")])


def _first(limits: Thresholds) -> object:
    return panels.latencies(
        "Time to the first word of the answer, by model",
        f"What a person waits before anything appears: mean, and 95th percentile over 5 minutes, or over 30 where these "
        f"have fewer than {limits.quantiles.min_answers}. High while answers are not: the queue, a load, or a model that thinks first. A diamond opens a trace.",
        [
            over_time(q.mean(c.FIRST_ANSWER, q.MODELS, (MODEL,)), f"mean {{{{{MODEL}}}}}", "A"),
            over_time(
                q.quantile_line(0.95, c.FIRST_ANSWER, q.MODELS, limits, (MODEL,)),
                f"p95 {{{{{MODEL}}}}}",
                "B",
                exemplars=True,
            ),
        ],
    ).data_links([frame.slower(frame.OF_LABEL, "&var-stage=generate")])


def _stage_tail(limits: Thresholds) -> object:
    return panels.latencies(
        "95th percentile of each stage",
        f"Over 5 minutes, or over 30 where these have fewer than {limits.quantiles.min_answers}. A stage whose line leaves its usual place is to blame for the slow ones; "
        "a diamond opens one of them, a click lists its spans that took longer.",
        [
            over_time(
                q.quantile_line(0.95, c.STAGE_DURATION, q.ENVIRONMENT, limits, ("stage",)), "{{stage}}", exemplars=True
            )
        ],
        colors=look.STAGES,
    ).data_links([frame.slower(frame.CHOSEN, f"&{frame.OF_STAGE}")])


def _answers() -> object:
    return panels.number(
        "n, 5 minutes",
        "How many questions of all the lines beside it rest on. Below 20 they are of 30 minutes, or not there.",
        over_time(q.answers_in(q.WITHIN, q.ENVIRONMENT), "answers"),
        look.COUNT,
        decimals=0,
    )


def _errors() -> object:
    return panels.lines(
        "Failures in 5 minutes, by stage and kind",
        "The stage that failed and why. `timeout`, `connection_error`: see GPU and Ollama. `overloaded`: too many at once. "
        "`cancelled`: people leave, often because it is slow. Each of them is listed below.",
        [over_time(q.increase(c.ERRORS, q.ENVIRONMENT, ("stage", "error_type")), "{{stage}} {{error_type}}")],
        look.COUNT,
        empty="no failures",
    )


def _slowest() -> object:
    return _table(
        "Questions slower than $slow",
        "Click a trace to see where its seconds went. Empty: nothing was that slow; lower the bound above." + _LIMITED,
        traceql.slowest(),
        "nothing was that slow",
        ("Model", "Tier", "Cache", "Outcome", "Cold"),
    )


def _failed() -> object:
    return _table(
        "Questions that failed, were turned away, or were given up",
        "Of all models and none. Click a trace to see the stage that failed: it is red there. Several of a kind: see the "
        "failures above." + _LIMITED,
        traceql.failed(),
        "none failed",
        ("Outcome", "Stage", "Error", "Model", "Tier"),
    )


def _cold() -> object:
    return _table(
        "Questions that waited for a model to load",
        "Many: another model takes the memory, or keep_alive is short. GPU and Ollama shows who was resident."
        + _LIMITED,
        traceql.cold(),
        "no cold answers",
        ("Model", "Tier", "Outcome"),
    )


def _slow_stage() -> object:
    return _table(
        "Spans of ${stage:text} slower than $slow",
        "One stage by itself, whatever the whole question took, in questions of the chosen models. Choose it above; click a "
        "trace to see it in its question." + _LIMITED,
        traceql.slow_stage(),
        "no such span was that slow",
        ("Span", "Model", "Error"),
    )


_FIELDS: Mapping[str, str] = {
    "Span": "name",
    "Model": Attribute.REQUEST_MODEL,
    "Tier": Attribute.TIER,
    "Cache": Attribute.CACHE_RESULT,
    "Outcome": Attribute.OUTCOME,
    "Stage": Attribute.STAGE,
    "Error": Attribute.ERROR_TYPE,
    "Cold": Attribute.COLD,
}


def _table(title: str, about: str, query: str, empty: str, shown: tuple[str, ...]) -> table.Panel:
    """Spans that match; `shown` are the columns after the usual three. What a condition names is a column too."""
    panel = panels.rows(title, about, [spans(query)], empty=empty, unit="string")
    names = {"spanID": "Trace", "time": "Start", "duration": "Duration"} | {_FIELDS[name]: name for name in shown}
    unasked = [field for name, field in _FIELDS.items() if name not in shown]
    hidden = ("traceService", "traceName", "service.name", "deployment.environment.name", *unasked)
    panels.columns(panel, names, hidden=hidden)
    panels.column(panel, "Trace", "string", link=_TRACE)
    if "Model" in shown:
        model = f"{frame.TO_MODEL}${{__value.raw:percentencode}}"
        panels.column(panel, "Model", "string", link=("This model", model))
    if "Outcome" in shown:
        panels.column(panel, "Outcome", "string", colors=look.OUTCOMES)
    if "Cold" in shown:
        panels.column(panel, "Cold", "string", empty="no")
    return panel.sort_by([panels.longest_first("Duration")])
