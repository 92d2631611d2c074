"""Who may make telemetry: one module starts spans, one builds metrics, one holds every name."""

import ast
from collections.abc import Iterator

from tests.architecture.rule import Rule, sample
from tests.architecture.source import Source, called

_SPANS = {"start_span", "start_as_current_span"}
_INSTRUMENTS = {
    "create_counter",
    "create_up_down_counter",
    "create_histogram",
    "create_gauge",
    "create_observable_counter",
    "create_observable_up_down_counter",
    "create_observable_gauge",
}
_PROMETHEUS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
_PREFIXES = ("rag_", "rag.", "gen_ai_", "gen_ai.")


def _starts_spans(source: Source) -> Iterator[tuple[int, str]]:
    if source.path == "service/telemetry/stage.py":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called(node) in _SPANS:
            yield node.lineno, "spans are started in telemetry/stage.py only"


def _builds_metrics(source: Source) -> Iterator[tuple[int, str]]:
    if source.path == "service/telemetry/meters.py":
        return
    for imported, line in source.imports:
        if imported.startswith("prometheus_client.") and imported.rpartition(".")[2] in _PROMETHEUS:
            yield line, "metrics are built in telemetry/meters.py only"
    for node in ast.walk(source.tree):
        match node:
            case ast.Call() if called(node) in _INSTRUMENTS:
                yield node.lineno, "metrics are built in telemetry/meters.py only"
            case ast.Attribute(value=ast.Name(id="prometheus_client"), attr=name) if name in _PROMETHEUS:
                yield node.lineno, "metrics are built in telemetry/meters.py only"


def _names_signals(source: Source) -> Iterator[tuple[int, str]]:
    if source.path == "service/telemetry/catalogue.py":
        return
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=str(text)) if text.startswith(_PREFIXES) and id(node) not in source.docstrings:
                yield (
                    node.lineno,
                    f"{text!r}: names of metrics and attributes are written in telemetry/catalogue.py only",
                )


SPANS = Rule(
    "only telemetry/stage.py starts spans",
    _starts_spans,
    good=(
        sample("service/telemetry/stage.py", "def open(tracer) -> None:\n    tracer.start_span('x')"),
        sample("service/telemetry/instrumented/cache.py", "with stage('cache.lookup') as span:\n    span.set(1)"),
    ),
    bad=(
        sample("service/telemetry/instrumented/cache.py", "with tracer.start_as_current_span('x'):\n    pass"),
        sample("service/ask/pipeline.py", "span = get_tracer().start_span('x')"),
        sample("service/telemetry/asgi.py", "@tracer.start_as_current_span('x')\ndef f() -> None: ..."),
    ),
    folders=("service",),
)
METRICS = Rule(
    "only telemetry/meters.py builds metrics",
    _builds_metrics,
    good=(
        sample("service/telemetry/meters.py", "h = meter.create_histogram('x')"),
        sample("service/monitoring/summary.py", "from collections import Counter\nseen = Counter()"),
        sample("service/telemetry/exposition.py", "from prometheus_client import CollectorRegistry"),
    ),
    bad=(
        sample("service/telemetry/asgi.py", "h = meter.create_histogram('x')"),
        sample("service/telemetry/pollers/ollama.py", "meter.create_observable_gauge('x', callbacks=[f])"),
        sample("service/cache/memory.py", "from prometheus_client import Counter"),
        sample("service/telemetry/exposition.py", "import prometheus_client\ng = prometheus_client.Gauge('a', 'b')"),
    ),
    folders=("service",),
)
SIGNAL_NAMES = Rule(
    "metric and attribute names are written in telemetry/catalogue.py only",
    _names_signals,
    good=(
        sample("service/telemetry/catalogue.py", "STAGE = 'rag_stage_duration_seconds'"),
        sample("service/telemetry/meters.py", '"""rag_ names come from the catalogue."""\nname = catalogue.STAGE'),
        sample("service/ask/prompt.py", "text = 'a paragraph_of words'"),
    ),
    bad=(
        sample("service/telemetry/meters.py", "name = 'rag_cache_lookups_total'"),
        sample("service/telemetry/asgi.py", "name = f'rag_{part}_total'"),
        sample("service/generation/ollama.py", "usage['gen_ai_client_token_usage'] = 1"),
        sample("service/telemetry/instrumented/router.py", "span.set_attribute('rag.tier', tier)"),
        sample("service/telemetry/instrumented/generator.py", "facts = {'gen_ai.request.model': model}"),
    ),
    folders=("service",),
)
