"""Spans as tests look at them, read from OTLP as JSON or as protobuf."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS = ("unset", "ok", "error")


class Link(TypedDict):
    """A span's pointer to another span."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class Event(TypedDict):
    """Something noted inside a span; time in ns since the epoch."""

    name: str
    time_ns: int
    attributes: dict[str, Any]


class Span(TypedDict):
    """A span as it was received. Ids in hex, `parent_id` empty for a root, times in ns since the epoch."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    links: list[Link]
    events: list[Event]
    status: str
    status_message: str
    start_ns: int
    end_ns: int
    scope: str
    resource: dict[str, Any]


def from_json(line: Mapping[str, Any]) -> Iterator[Span]:
    """The spans of one export request as the Collector's file exporter writes it: ids in hex, enums as numbers."""
    for resource_spans in line.get("resourceSpans", []):
        resource = _attributes(resource_spans.get("resource", {}))
        for scope_spans in resource_spans.get("scopeSpans", []):
            scope = str(scope_spans.get("scope", {}).get("name", ""))
            for raw in scope_spans.get("spans", []):
                yield _span(raw, scope, resource)


def from_protobuf(groups: Iterable[ResourceSpans]) -> Iterator[Span]:
    """The spans of an export request, or of a whole trace as Tempo gives it."""
    for group in groups:
        line = MessageToDict(group, use_integers_for_enums=True)
        raw = (one for of_scope in line.get("scopeSpans", []) for one in of_scope.get("spans", []))
        sent = (one for of_scope in group.scope_spans for one in of_scope.spans)
        for as_json, span in zip(raw, sent, strict=True):
            # protobuf's JSON has bytes in base64.
            as_json |= {"traceId": span.trace_id.hex(), "spanId": span.span_id.hex()}
            as_json["parentSpanId"] = span.parent_span_id.hex()
            for link_as_json, link in zip(as_json.get("links", []), span.links, strict=True):
                link_as_json |= {"traceId": link.trace_id.hex(), "spanId": link.span_id.hex()}
        yield from from_json({"resourceSpans": [line]})


def _span(raw: Mapping[str, Any], scope: str, resource: dict[str, Any]) -> Span:
    status = raw.get("status", {})
    return Span(
        name=raw["name"],
        kind=_KINDS[raw.get("kind", 0)],
        trace_id=raw["traceId"],
        span_id=raw["spanId"],
        parent_id=raw.get("parentSpanId", ""),
        attributes=_attributes(raw),
        links=[
            Link(trace_id=link["traceId"], span_id=link["spanId"], attributes=_attributes(link))
            for link in raw.get("links", [])
        ],
        events=[
            Event(name=event["name"], time_ns=int(event["timeUnixNano"]), attributes=_attributes(event))
            for event in raw.get("events", [])
        ],
        status=_STATUS[status.get("code", 0)],
        status_message=status.get("message", ""),
        start_ns=int(raw["startTimeUnixNano"]),
        end_ns=int(raw["endTimeUnixNano"]),
        scope=scope,
        resource=resource,
    )


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in holder.get("attributes", [])}


def _value(value: Mapping[str, Any]) -> Any:
    if "arrayValue" in value:
        return [_value(item) for item in value["arrayValue"].get("values", [])]
    if "kvlistValue" in value:
        return {pair["key"]: _value(pair["value"]) for pair in value["kvlistValue"].get("values", [])}
    if "intValue" in value:
        return int(value["intValue"])
    return next(iter(value.values()), None)
