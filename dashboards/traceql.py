"""Every TraceQL query, by what it finds. Names of attributes come from the catalogue.

One span stands for a question: the one of the whole use case, which has tier, model, cache result and outcome. A
question that no model was chosen for has no model, and no choice of `$model` finds it. Without the hint at the end a
search returns any of the spans that match; with it the newest.
"""

from prometheus import traces
from service.telemetry.catalogue import Attribute, SpanName

_OURS = traces.of_environment("$environment")
_QUESTION = f'{_OURS} && name = "{SpanName.ASK}"'
_OF_MODEL = f'{_QUESTION} && span.{Attribute.REQUEST_MODEL} =~ "${{model:regex}}"'
_NEWEST = "with (most_recent=true)"


def slowest() -> str:
    """Questions longer than `$slow` that ended as chosen."""
    chosen = f'span.{Attribute.OUTCOME} =~ "${{outcome:regex}}" && span.{Attribute.CACHE_RESULT} =~ "${{cache:regex}}"'
    return f"{{ {_OF_MODEL} && {chosen} && duration > $slow }} | {_shown(Attribute.OUTCOME, Attribute.COLD)} {_NEWEST}"


def failed() -> str:
    """Questions that failed, were turned away or were given up, of any model or none, with the stage where it was."""
    ended = f'span.{Attribute.OUTCOME} =~ "error|rejected|cancelled"'
    shown = _shown(Attribute.OUTCOME, Attribute.STAGE, Attribute.ERROR_TYPE)
    return f"{{ {_QUESTION} && {ended} }} | {shown} {_NEWEST}"


def cold() -> str:
    """Questions for which a model had to be loaded."""
    return f"{{ {_OF_MODEL} && span.{Attribute.COLD} = true }} | {_shown(Attribute.OUTCOME)} {_NEWEST}"


def slow_stage() -> str:
    """Spans of one stage longer than `$slow`, in questions of `$model`; `$stage` is a pattern of span names."""
    stage = '{ name =~ "${stage}" && duration > $slow }'
    shown = f"select(span.{Attribute.REQUEST_MODEL}, span.{Attribute.ERROR_TYPE})"
    return f"{{ {_OF_MODEL} }} >> {stage} | {shown} {_NEWEST}"


def _shown(*more: str) -> str:
    attributes = (Attribute.REQUEST_MODEL, Attribute.TIER, Attribute.CACHE_RESULT, *more)
    return f"select({', '.join(f'span.{name}' for name in attributes)})"
