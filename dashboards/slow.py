"""Slow queries: which ones, in which stage, and the way to each one's trace."""

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as dm

from dashboards import frame, look, panels, traceql
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import over_time, spans
from dashboards.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import Attribute

UID = "slow"
_STAGES = (
    "chat .*",
    "embeddings .*",
    "retrieval .*",
    "admission",
    "cache lookup",
    "cache store",
    "prompt",
    "route",
    "extract",
)
_LIMITED = " Of the newest 200 that match, the longest first; for all of them: `emini-rag slow`."


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Slow queries",
        "The questions that took long, failed, or waited for a model to load, each with its trace; and the stage that is to blame.",
        variables=[frame.model_variable(), frame.text_variable("slow", "Slower than", "3s"), _stage_variable()],
        traces=True,
    )
    made.with_row(grid.row("Which stage is to blame?"))
    for panel, width in ((_stages(), 8), (_stage_tail(limits), 7), (_answers(), 2), (_errors(), 7)):
        made.with_panel(grid.place(panel, width, 8))
    made.with_row(grid.row("Which questions?"))
    made.with_panel(grid.place(_slowest(), 24, 9))
    made.with_panel(grid.place(_failed(), 12, 8))
    made.with_panel(grid.place(_cold(), 12, 8))
    made.with_row(grid.row("Which calls of one stage?"))
    made.with_panel(grid.place(_slow_stage(), 24, 8))
    return made


def _stage_variable() -> d.CustomVariable:
    first = dm.VariableOption(text=_STAGES[0], value=_STAGES[0])
    return d.CustomVariable("stage").label("Spans").values(",".join(_STAGES)).current(first)


def _stages() -> object:
    return panels.stacked(
        "Where the seconds of a question go, by stage",
        "Mean of questions that the cache did not answer. The stage that grew is the one to look at; choose its spans above.",
        [over_time(q.stage_seconds_per_question(), "{{stage}}")],
        look.SECONDS,
        colors=look.STAGES,
    )


def _stage_tail(limits: Thresholds) -> object:
    return panels.latencies(
        "95th percentile of each stage",
        "From 20 in 5 minutes on. A stage whose line leaves its usual place is to blame for the slow ones; a diamond opens one of them.",
        [over_time(q.quantile(0.95, c.STAGE_DURATION, q.ENVIRONMENT, limits, ("stage",)), "{{stage}}", exemplars=True)],
        colors=look.STAGES,
    )


def _answers() -> object:
    return panels.number(
        "n, 5 min",
        "How many questions of all the lines beside it rest on: a stage needs 20 in 5 minutes to have one.",
        over_time(q.answers_in("5m", q.ENVIRONMENT), "answers"),
        look.COUNT,
        decimals=0,
    )


def _errors() -> object:
    return panels.lines(
        "Failures in 5 minutes, by stage and kind",
        "The stage that failed and why. `timeout`, `connection_error`: see GPU and Ollama. `overloaded`: too many at once. `cancelled`: people leave, often because it is slow.",
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
    )


def _failed() -> object:
    return _table(
        "Questions that failed, were turned away, or were given up",
        "Click a trace to see the stage that failed: it is red there. Several of a kind: see the failures above."
        + _LIMITED,
        traceql.failed(),
        "none failed",
    )


def _cold() -> object:
    return _table(
        "Questions that waited for a model to load",
        "Many: another model takes the memory, or keep_alive is short. GPU and Ollama shows who was resident."
        + _LIMITED,
        traceql.cold(),
        "no cold answers",
    )


def _slow_stage() -> object:
    return _table(
        "Spans $stage slower than $slow",
        "One stage by itself, whatever the whole question took. Choose it above; click a trace to see it in its question."
        + _LIMITED,
        traceql.slow_stage(),
        "no such span was that slow",
    )


def _table(title: str, about: str, query: str, empty: str) -> table.Panel:
    panel = panels.rows(title, about, [spans(query)], empty=empty, unit="string")
    names = {
        "spanID": "Trace",
        "time": "Start",
        "duration": "Duration",
        "name": "Span",
        Attribute.REQUEST_MODEL: "Model",
        Attribute.TIER: "Tier",
        Attribute.CACHE_RESULT: "Cache",
        Attribute.OUTCOME: "Outcome",
        Attribute.COLD: "Cold",
        Attribute.ERROR_TYPE: "Error",
    }
    panels.columns(panel, names, hidden=("traceService", "traceName", "service.name", "deployment.environment.name"))
    panels.column(
        panel, "Trace", "string", link=("Where its seconds went", frame.TO_TRACE + "${__data.fields.traceIdHidden}")
    )
    panels.column(panel, "Cold", "string", empty="no")
    return panel.sort_by([panels.longest_first("Duration")])
