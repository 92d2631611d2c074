"""Every TraceQL query, by what it finds. Names of attributes come from the catalogue.

One span stands for a question: the one of the whole use case, which has tier, model, cache result and outcome.
"""

from service.telemetry.catalogue import Attribute, SpanName

SHOWN = f"select(span.{Attribute.REQUEST_MODEL}, span.{Attribute.TIER}, span.{Attribute.CACHE_RESULT}, span.{Attribute.OUTCOME}, span.{Attribute.COLD})"
_OURS = 'resource.service.name = "emini-rag" && resource.deployment.environment.name = "$environment"'
_QUESTION = f'{_OURS} && name = "{SpanName.ASK}"'
_MODEL = f'span.{Attribute.REQUEST_MODEL} =~ "${{model:regex}}"'


def slowest() -> str:
    """Questions longer than `$slow`."""
    return f"{{ {_QUESTION} && {_MODEL} && duration > $slow }} | {SHOWN}"


def failed() -> str:
    """Questions that failed or were turned away."""
    return f'{{ {_QUESTION} && span.{Attribute.OUTCOME} =~ "error|rejected|cancelled" }} | {SHOWN}'


def cold() -> str:
    """Questions for which a model had to be loaded."""
    return f"{{ {_QUESTION} && span.{Attribute.COLD} = true }} | {SHOWN}"


def slow_stage() -> str:
    """Spans of one stage longer than `$slow`; `$stage` is a pattern of span names."""
    return f'{{ {_OURS} && name =~ "${{stage}}" && duration > $slow }} | select(span.{Attribute.REQUEST_MODEL}, span.{Attribute.ERROR_TYPE})'
