"""A real OpenTelemetry Collector on a free loopback port that writes every span it is sent to a file."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

from ops.stack.process import Component, NotInTime, Process, answers, free_port, wait_until

START_S = 20.0
ARRIVAL_S = 15.0
_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS = ("unset", "ok", "error")
_CONFIGURATION = """\
extensions:
  health_check: {{endpoint: "127.0.0.1:{health}"}}
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}
exporters:
  file: {{path: "{spans}", flush_interval: 50ms}}
service:
  extensions: [health_check]
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
  telemetry: {{metrics: {{level: none}}}}
"""


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


class RunningCollector(Component):
    """Real `otelcol` with an OTLP/HTTP receiver at `url`; its configuration, spans and log are in `folder`.

    After `kill` or `stop`, `start` brings it back at the same address and keeps the spans.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._health = f"http://127.0.0.1:{(health := free_port())}/"
        self._file = folder / "spans.jsonl"
        configuration = folder / "otelcol.yaml"
        configuration.write_text(_CONFIGURATION.format(health=health, port=self.port, spans=self._file))
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
        command = [program, "--config", configuration]
        self._process = Process(command, environment, folder, folder / "otelcol.log")

    def start(self) -> None:
        """Start, and wait until it accepts spans. Raises `ComponentFailed` with the end of the log."""
        self._process.start(lambda: answers(self._health), START_S)

    def spans(self) -> list[Span]:
        """Every span received so far."""
        if not self._file.exists():
            return []
        # A line without its end is still being written.
        complete = self._file.read_text().rpartition("\n")[0]
        return [span for line in complete.splitlines() for span in _spans(json.loads(line))]

    def trace(
        self,
        trace_id: str,
        until: Callable[[list[Span]], bool] = bool,
        timeout_s: float = ARRIVAL_S,
    ) -> list[Span]:
        """The spans of one trace, oldest first, as soon as `until` holds for them (default: there is one)."""
        found: list[Span] = []

        def arrived() -> bool:
            found[:] = sorted((s for s in self.spans() if s["trace_id"] == trace_id), key=lambda s: s["start_ns"])
            return until(found)

        try:
            wait_until(arrived, timeout_s, f"the spans of trace {trace_id}", alive=lambda: self._process.running)
        except NotInTime as error:
            names = [span["name"] for span in found]
            raise AssertionError(f"{error}; arrived: {names}\n{self._process.tail()}") from error
        return found


def _spans(line: Mapping[str, Any]) -> Iterator[Span]:
    for resource_spans in line.get("resourceSpans", []):
        resource = _attributes(resource_spans.get("resource", {}))
        for scope_spans in resource_spans.get("scopeSpans", []):
            scope = str(scope_spans.get("scope", {}).get("name", ""))
            for raw in scope_spans.get("spans", []):
                yield _span(raw, scope, resource)


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
