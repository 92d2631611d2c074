"""Dev beside prod: the same numbers of two environments in the same picture.

Each environment has its own Prometheus; or one has both. So the first source is asked for everything but development,
the second for development: with one source behind both variables each line is there once, and with two as well.
"""

from collections.abc import Callable

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import dashboard as dm

from dashboards import frame, look, panels
from dashboards import queries as q
from dashboards.grid import Grid
from dashboards.sources import MIXED, both
from prometheus import promql
from prometheus.thresholds import Thresholds
from service.telemetry import catalogue as c
from service.telemetry.catalogue import MODEL_LABEL as MODEL

UID = "environments"
ENVIRONMENT = "deployment_environment_name"
_DEVELOPMENT = "development"
_MODELS = f'{MODEL}=~"$model"'
_BY = (ENVIRONMENT,)
_NAME = f"{{{{{ENVIRONMENT}}}}}"
Query = Callable[[str], str]
"""From a selector of one environment to a query of it."""
_TO_ITS_SLOW = (
    f"/d/slow?${{__url_time_range}}&var-environment=${{__field.labels.{ENVIRONMENT}:percentencode}}"
    f"&{frame.CHOSEN}&var-slow=${{__value.raw}}s"
)


def build(limits: Thresholds) -> d.Dashboard:
    """The dashboard."""
    grid = Grid()
    made = frame.dashboard(
        UID,
        "Dev beside prod",
        "Production and development in the same picture. One Prometheus that has both: leave both sources at it. Two: put a file "
        "beside datasources.yml in dashboards/provisioning/datasources, with another name and uid, development's address and "
        "timeInterval 15s, start Grafana again, and choose it as Development's metrics.",
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


def _of_each(query: Query, *, exemplars: bool = False) -> list[object]:
    """A target for each environment, each of its own source."""
    first, second = (query(f'{ENVIRONMENT}{sign}"{_DEVELOPMENT}"') for sign in ("!=", "="))
    return list(both(first, second, _NAME, exemplars=exemplars))


def _lines(title: str, about: str, query: Query, unit: str, at_most: float | None = None) -> object:
    panel = panels.lines(title, about, _of_each(query), unit, colors=look.ENVIRONMENTS, at_most=at_most)
    return panel.datasource(MIXED)


def _results() -> list[object]:
    def failed(of: str) -> str:
        asked = f"{of},{_MODELS}"
        return promql.share(q.asks(f"{asked},{q.FAILED}", _BY, q.WITHIN), q.asks(asked, _BY, q.WITHIN))

    def hits(of: str) -> str:
        looked = f'{of},cache="answer"'
        return promql.share(
            q.rate(c.CACHE_REQUESTS, f'{looked},result="hit"', _BY, q.WITHIN),
            q.rate(c.CACHE_REQUESTS, f'{looked},result!~"bypass|coalesced"', _BY, q.WITHIN),
        )

    return [
        _lines(
            "Questions per second",
            "Development should be quiet beside production, unless a comparison runs. Differences below mean little at very different rates.",
            lambda of: q.asks(f"{of},{_MODELS}", _BY),
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
    def of_both(of: str) -> str:
        return f'{of},{_MODELS},cache="$cache"'

    return [
        panels.latencies(
            "Mean time of an answer",
            "Of $cache and $model. Development above production at the same model and questions: the change made it slower; compare before you promote.",
            _of_each(lambda of: q.mean(c.ASK_DURATION, of_both(of), _BY)),
            colors=look.ENVIRONMENTS,
        )
        .datasource(MIXED)
        .data_links([frame.leads_to("Its slow queries", _TO_ITS_SLOW)]),
        panels.latencies(
            "95th percentile of an answer",
            "From 20 answers on, over 5 minutes, or over 30 where these have fewer. A tail that only development has: look at its slow queries.",
            _of_each(lambda of: q.quantile_line(0.95, c.ASK_DURATION, of_both(of), limits, _BY), exemplars=True),
            colors=look.ENVIRONMENTS,
        )
        .datasource(MIXED)
        .data_links([frame.leads_to("Its slow queries", _TO_ITS_SLOW)]),
        _lines(
            "Tokens written per second of writing",
            "The same model is slower in one of them: they share the GPU, or it is not on it there.",
            lambda of: q.mean(c.TOKENS_PER_SECOND, f"{of},{_MODELS}", _BY),
            look.TOKENS_PER_SECOND,
        ),
    ]


def _gpu() -> list[object]:
    shared = "Two equal lines: both ask the same Ollama, and these are the same models."
    return [
        _lines(
            "Models in memory",
            f"What development holds, production cannot use: unload it when you are done (`ollama stop`, or a short keep_alive). {shared}",
            lambda of: q.gauge(c.OLLAMA_RESIDENT, of, _BY),
            look.COUNT,
        ),
        _lines(
            "GPU memory of loaded models",
            f"Both together must fit. Production's models pushed out by development's: its answers wait for loads. {shared}",
            lambda of: q.gauge(c.OLLAMA_VRAM, of, _BY),
            look.BYTES,
        ),
        _lines(
            "Questions at a model now",
            "Development running while production waits: development takes the GPU.",
            lambda of: q.gauge(c.ADMISSION_IN_FLIGHT, f"{of},{_MODELS}", _BY),
            look.COUNT,
        ),
    ]
