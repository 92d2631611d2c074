"""Finished spans as text: one line per span under its parent, then its attribute keys."""

from collections.abc import Iterable, Sequence

from opentelemetry.sdk.trace import ReadableSpan


def render(spans: Sequence[ReadableSpan]) -> str:
    """All trees, siblings in the order of their beginning."""
    known = {span.context.span_id for span in spans}
    roots = [span for span in spans if span.parent is None or span.parent.span_id not in known]
    return "\n".join(line for root in _ordered(roots) for line in _lines(root, spans, "")) + "\n"


def children(parent: ReadableSpan, spans: Iterable[ReadableSpan]) -> list[ReadableSpan]:
    return _ordered([span for span in spans if span.parent and span.parent.span_id == parent.context.span_id])


def named(spans: Iterable[ReadableSpan], name: str) -> ReadableSpan:
    """The first span with this name."""
    return next(span for span in spans if span.name == name)


def seconds(span: ReadableSpan) -> float:
    return round((span.end_time - span.start_time) / 1e9, 4)


def _ordered(spans: list[ReadableSpan]) -> list[ReadableSpan]:
    return sorted(spans, key=lambda span: span.start_time)


def _lines(span: ReadableSpan, spans: Sequence[ReadableSpan], indent: str) -> list[str]:
    error = span.attributes.get("error.type", "")
    marks = [span.kind.name, span.status.status_code.name, *([str(error)] if error else [])]
    marks += [f"links {len(span.links)}"] if span.links else []
    lines = [f"{indent}{span.name} ({', '.join(marks)})"]
    lines += [f"{indent}  . {key}" for key in sorted(span.attributes)]
    lines += [f"{indent}  ! {event.name}: {' '.join(sorted(event.attributes))}" for event in span.events]
    for child in children(span, spans):
        lines += _lines(child, spans, indent + "    ")
    return lines
