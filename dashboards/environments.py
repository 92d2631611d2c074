"""Dev beside prod: the same numbers of two environments in the same picture.

Each environment has its own Prometheus. With one data source that knows both, two lines come from it; else the second
variable names development's, and each panel asks both.
"""

from collections.abc import Callable, Iterable

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import dashboard as dm

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import both
from dashboards.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL

UID = "environments"
ENVIRONMENT = "deployment_environment_name"
_ANY = f'{MODEL}=~"$model"'
_MISSES = f'{_ANY},cache="$cache"'
_BY = (ENVIRONMENT,)
Query = Callable[[str, Iterable[str]], str]


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Dev beside prod",
        "Production and development in the same picture. The second data source is development's Prometheus, where there is one: provision it from another file.",
        variables=[_other(), frame.model_variable(environment=False), frame.cache_variable()],
        environment=False,
    )
    made.with_row(grid.row("What do people get?"))
    for panel in _results():
        made.with_panel(grid.place(panel, 8, 8))
    made.with_row(grid.row("How long does it take?"))
    for panel in _latency(limits):
        made.with_panel(grid.place(panel, 8, 8))
    made.with_row(grid.row("Does development use the GPU?"))
    for panel in _gpu():
        made.with_panel(grid.place(panel, 8, 8))
    return made


def _other() -> d.DatasourceVariable:
    first = dm.VariableOption(text="Prometheus", value="prometheus")
    return d.DatasourceVariable("other").label("Development's metrics").type("prometheus").current(first)


def _lines(title: str, about: str, query: str, unit: str, legend: str = "", at_most: float | None = None) -> object:
    name = f"{{{{{ENVIRONMENT}}}}}{legend}"
    return panels.lines(title, about, both(query, name), unit, colors=look.ENVIRONMENTS, at_most=at_most)


def _results() -> list[object]:
    failed = q.share(q.asks(f"{_ANY},{q.FAILED}", _BY, q.WITHIN), q.asks(_ANY, _BY, q.WITHIN))
    looked = 'cache="answer",result!~"bypass|coalesced"'
    hits = q.share(
        q.rate(c.CACHE_REQUESTS, 'cache="answer",result="hit"', _BY, q.WITHIN),
        q.rate(c.CACHE_REQUESTS, looked, _BY, q.WITHIN),
    )
    return [
        _lines(
            "Questions per second",
            "Development should be quiet beside production, unless a comparison runs. Differences below mean little at very different rates.",
            q.asks(_ANY, _BY),
            look.PER_SECOND,
        ),
        _lines(
            "Share that failed",
            "Development above production: do not promote it; Slow queries with its environment lists what failed.",
            failed,
            look.RATIO,
            at_most=1,
        ),
        _lines(
            "Share that the cache answered",
            "A lower share after the change, at the same questions, means that keys changed: answers are made anew.",
            hits,
            look.RATIO,
            at_most=1,
        ),
    ]


def _latency(limits: Thresholds) -> list[object]:
    name = f"{{{{{ENVIRONMENT}}}}}"
    return [
        panels.latencies(
            "Mean time of an answer",
            "Of $cache and $model. Development above production at the same model and questions: the change made it slower; compare before you promote.",
            both(q.mean(c.ASK_DURATION, _MISSES, _BY), name),
            colors=look.ENVIRONMENTS,
        ),
        panels.latencies(
            "95th percentile of an answer",
            "From 20 answers in 5 minutes on. A tail that only development has: look at its slow queries.",
            both(q.quantile(0.95, c.ASK_DURATION, _MISSES, limits, _BY), name, exemplars=True),
            colors=look.ENVIRONMENTS,
        ),
        panels.lines(
            "Tokens written per second of writing",
            "The same model is slower in one of them: they share the GPU, or it is not on it there.",
            both(q.mean(c.TOKENS_PER_SECOND, _ANY, _BY), name),
            look.TOKENS_PER_SECOND,
            colors=look.ENVIRONMENTS,
        ),
    ]


def _gpu() -> list[object]:
    return [
        _lines(
            "Models in memory",
            "What development holds, production cannot use: unload it when you are done (`ollama stop`, or a short keep_alive).",
            q.gauge(c.OLLAMA_RESIDENT, _ANY, _BY),
            look.COUNT,
        ),
        _lines(
            "GPU memory of loaded models",
            "Both together must fit. Production's models pushed out by development's: its answers wait for loads.",
            q.gauge(c.OLLAMA_VRAM, _ANY, _BY),
            look.BYTES,
        ),
        _lines(
            "Questions at a model now",
            "Development running while production waits: development takes the GPU.",
            q.gauge(c.ADMISSION_IN_FLIGHT, _ANY, _BY),
            look.COUNT,
        ),
    ]
