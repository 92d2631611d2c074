"""What every dashboard has: variables, links to the others, annotations, time."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import dashboard as dm

from dashboards import queries
from dashboards.sources import PROMETHEUS
from service.telemetry import catalogue

TAG = "emini-rag"
_FIRST = "production"
_Variable = TypeVar("_Variable", d.QueryVariable, d.CustomVariable)


def dashboard(
    uid: str,
    title: str,
    about: str,
    *,
    variables: Sequence[object] = (),
    environment: bool = True,
    metrics: bool = True,
    traces: bool = False,
    listed: bool = True,
) -> d.Dashboard:
    """An empty dashboard. `uid` is also its file's name. What is not `listed` stands in no menu: only links lead there."""
    made = (
        d.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG if listed else f"{TAG}-linked"])
        .readonly()
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(dm.DashboardCursorSync.CROSSHAIR)
    )
    if metrics:
        made.with_variable(metrics_source())
    if traces:
        made.with_variable(traces_source())
    if environment:
        made.with_variable(environment_variable())
    for variable in variables:
        made.with_variable(variable)  # type: ignore[arg-type]
    made.link(
        d.DashboardLink("Dashboards")
        .type(dm.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
        .placement(None)  # type: ignore[arg-type]
    )
    return made


def leads_to(title: str, url: str) -> d.DashboardLink:
    """Where a click on a line leads."""
    return d.DashboardLink(title).url(url).placement(None)  # type: ignore[arg-type]


def slower(model: str, more: str = "") -> d.DashboardLink:
    """To the questions that took longer than the point that was clicked, which is in seconds. `model` fills that
    variable; `more` is the rest of the address."""
    return leads_to("Questions slower than this", f"{TO_SLOW}&{model}&var-slow=${{__value.raw}}s{more}")


def metrics_source() -> d.DatasourceVariable:
    """Which Prometheus."""
    return (
        d.DatasourceVariable("datasource")
        .label("Metrics")
        .type("prometheus")
        .current(dm.VariableOption(text="Prometheus", value="prometheus"))
    )


def traces_source() -> d.DatasourceVariable:
    """Which Tempo; there is one."""
    return (
        d.DatasourceVariable("tempo")
        .label("Traces")
        .type("tempo")
        .current(dm.VariableOption(text="Tempo", value="tempo"))
        .hide(dm.VariableHide.HIDE_VARIABLE)
    )


def environment_variable() -> d.QueryVariable:
    """Production or development."""
    return _of_label("environment", "Environment", "deployment_environment_name").current(
        dm.VariableOption(text=_FIRST, value=_FIRST)
    )


def model_variable(*, several: bool = True, environment: bool = True) -> d.QueryVariable:
    """Chat models that were asked, in `$environment` or anywhere."""
    selector = queries.ENVIRONMENT if environment else ""
    variable = _of_label("model", "Model", catalogue.MODEL_LABEL, selector)
    if several:
        return _several(variable)
    return variable.current(dm.VariableOption(text="llama3.2:3b", value="llama3.2:3b"))


def cache_variable() -> d.CustomVariable:
    """Hits and misses differ by orders of magnitude: one of them at a time."""
    return (
        d.CustomVariable("cache")
        .label("Cache")
        .values("miss,hit")
        .current(dm.VariableOption(text="miss", value="miss"))
    )


def any_of_variable(name: str, label: str, values: Iterable[str]) -> d.CustomVariable:
    """One, several or all of a closed set."""
    return _several(d.CustomVariable(name).label(label).values(",".join(values)))


def _several(variable: _Variable) -> _Variable:
    """One, several or all, and all at first."""
    everything = dm.VariableOption(text=["All"], value=["$__all"])
    variable.multi(True).include_all(True).all_value(".*").current(everything)
    return variable


def text_variable(name: str, label: str, value: str) -> d.TextBoxVariable:
    """A text that the user may change. Without `current` it would be empty."""
    return d.TextBoxVariable(name).label(label).default_value(value).current(dm.VariableOption(text=value, value=value))


def deploys(panels: Sequence[int]) -> d.AnnotationQuery:
    """A line when a version is first seen, on these panels."""
    return _annotation("Deploys", queries.deploys(), "Deploy {{version}}", "version", "blue", panels)


def alerts(panels: Sequence[int]) -> d.AnnotationQuery:
    """While an alert fires, on these panels."""
    return _annotation("Alerts", queries.firing(), "{{alertname}}", "severity", "red", panels)


def model_loads(panels: Sequence[int]) -> d.AnnotationQuery:
    """When a model was loaded, on these panels."""
    return _annotation("Model loads", queries.model_loads(), "Loaded {{gen_ai_request_model}}", "", "orange", panels)


def drills(panels: Sequence[int]) -> d.AnnotationQuery:
    """While a drill breaks something on purpose, on these panels."""
    return _annotation("Drills", queries.drills(), "Drill {{drill}}", "drill", "purple", panels)


def checkpoints(panels: Sequence[int]) -> d.AnnotationQuery:
    """When a checkpoint kept writers out, on these panels."""
    return _annotation("Checkpoints", queries.checkpoints(), "Checkpoint", "", "green", panels)


def restores(panels: Sequence[int]) -> d.AnnotationQuery:
    """When a checkpoint was restored, on these panels."""
    return _annotation("Restores", queries.restores(), "Restored {{checkpoint}}", "checkpoint", "yellow", panels)


def rollouts(panels: Sequence[int]) -> d.AnnotationQuery:
    """When a version was put on trial, kept or taken back, on these panels; the tag names where to go back to."""
    return _annotation("Rollouts", queries.rollouts(), "{{event}}: {{version}}", "checkpoint", "dark-blue", panels)


def _annotation(name: str, query: str, title: str, tags: str, color: str, panels: Sequence[int]) -> d.AnnotationQuery:
    return (
        d.AnnotationQuery()
        .name(name)
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color(color)
        .expr(query)
        .step("15s")
        .title_format(title)
        .text_format(title)
        .tag_keys(tags)
        .filter(d.AnnotationPanelFilter().exclude(False).ids(list(panels)))
        .placement(None)  # type: ignore[arg-type]
    )


def _of_label(name: str, label: str, of: str, selector: str = "") -> d.QueryVariable:
    metric = f"{catalogue.ASK_DURATION.name}_count" + (f"{{{selector}}}" if selector else "")
    return (
        d.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": f"label_values({metric}, {of})", "refId": name})
        .refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dm.VariableSort.ALPHABETICAL_ASC)
    )


TO_MODEL = "/d/model?${__url_time_range}&${environment:queryparam}&var-model="
TO_SLOW = "/d/slow?${__url_time_range}&${environment:queryparam}"
OF_LABEL = f"var-model=${{__field.labels.{catalogue.MODEL_LABEL}:percentencode}}"
OF_STAGE = "var-stage=${__field.labels.stage:percentencode}"
CHOSEN = "${model:queryparam}"
ANY_MODEL = "var-model=$__all"
TO_CACHE = "/d/cache?${__url_time_range}&${environment:queryparam}"
TO_TELEMETRY = "/d/telemetry?${__url_time_range}&${environment:queryparam}"
# Grafana's own page of rules, with the description and the runbook of the one that is searched for.
TO_RULE = "/alerting/list?search=${__value.raw:percentencode}"
TO_TRACE = "/d/trace?${__url_time_range}&${tempo:queryparam}&var-traceId="


# On what a panel over time shows of answers, these explain a step.
MARKS = (deploys, rollouts, alerts, model_loads, drills, checkpoints, restores)
