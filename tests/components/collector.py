"""A real OpenTelemetry Collector on a free loopback port that writes every span it is sent to a file."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from ops.stack.process import Component, NotInTime, Process, answers, free_port, wait_until
from tests.components.spans import Span, from_json

START_S = 20.0
ARRIVAL_S = 15.0
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
        return [span for line in complete.splitlines() for span in from_json(json.loads(line))]

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
