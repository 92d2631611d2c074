"""A real Collector with the configuration that is shipped: free ports through its variables, overlays as asked for."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from ops.stack.process import Component, Process, answers, free_port
from ops.stack.site import ROOT

START_S = 20.0
REQUEST_S = 10.0
BASE = ROOT / "otel" / "collector.yml"
SAMPLING = ROOT / "otel" / "collector-sampling.yml"
TO_FILE = ROOT / "otel" / "collector-file.yml"
_SAMPLE = re.compile(r"^(\w+)(?:{.*})? (\S+)$", re.MULTILINE)

# What the Collector says about itself, by the names that rules and dashboards use. The page has these at once...
METRICS = (
    "otelcol_exporter_in_flight_requests",
    "otelcol_exporter_queue_capacity",
    "otelcol_exporter_queue_size",
    "otelcol_process_cpu_seconds",
    "otelcol_process_memory_rss",
    "otelcol_process_runtime_heap_alloc_bytes",
    "otelcol_process_uptime",
)
# ...these after the first span or the first fault of their kind.
METRICS_OF_SPANS = (
    "otelcol_exporter_sent_spans",
    "otelcol_processor_memory_limiter_accepted_spans",
    "otelcol_receiver_accepted_spans",
    "otelcol_receiver_refused_spans",
)
SEND_FAILED = "otelcol_exporter_send_failed_spans"
ENQUEUE_FAILED = "otelcol_exporter_enqueue_failed_spans"
MEMORY_REFUSED = "otelcol_processor_memory_limiter_refused_spans"
METRICS_OF_FAULTS = (SEND_FAILED, ENQUEUE_FAILED, MEMORY_REFUSED)
EVERY_METRIC = (*METRICS, *METRICS_OF_SPANS, *METRICS_OF_FAULTS)


class ShippedCollector(Component):
    """Takes OTLP at `url`, sends on to `tempo_url`. Queue, log and file of traces are in `folder`.

    `variables` are set last, so they may move what is set here. After `kill` or `stop`, `start` brings it back at the
    same address with the same queue.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        tempo_url: str = "http://127.0.0.1:9",
        overlays: Sequence[Path] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        http, metrics, health = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{http}"
        self.grpc = f"127.0.0.1:{free_port()}"
        self.queue = folder / "queue"
        self.traces_file = folder / "traces.jsonl"
        self._metrics_url = f"http://127.0.0.1:{metrics}/metrics"
        self._health_url = f"http://127.0.0.1:{health}/"
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "OTLP_GRPC_ENDPOINT": self.grpc,
            "OTLP_HTTP_ENDPOINT": f"127.0.0.1:{http}",
            "COLLECTOR_METRICS_PORT": str(metrics),
            "COLLECTOR_HEALTH_ENDPOINT": f"127.0.0.1:{health}",
            "COLLECTOR_QUEUE_DIR": str(self.queue),
            "TEMPO_OTLP_URL": tempo_url,
            "TRACES_FILE": str(self.traces_file),
        }
        command = [program, *(f"--config={file}" for file in (BASE, *overlays))]
        self._process = Process(command, environment | dict(variables or {}), folder, folder / "otelcol.log")

    def start(self) -> None:
        """Start, and wait until it takes spans. Raises `ComponentFailed` with the end of the log."""
        self._process.start(lambda: answers(self._health_url), START_S)

    def send(self, groups: Iterable[ResourceSpans]) -> httpx.Response:
        """Its answer to one export."""
        body = ExportTraceServiceRequest(resource_spans=list(groups)).SerializeToString()
        headers = {"content-type": "application/x-protobuf"}
        return httpx.post(f"{self.url}/v1/traces", content=body, headers=headers, timeout=REQUEST_S, trust_env=False)

    def metrics(self) -> dict[str, float]:
        """Its own metrics by the names of their samples, summed over labels."""
        reply = httpx.get(self._metrics_url, timeout=REQUEST_S, trust_env=False)
        assert reply.status_code == 200, reply.text
        # Not prometheus_client's parser, which adds _total to the names of counters.
        found: dict[str, float] = {}
        for name, value in _SAMPLE.findall(reply.text):
            found[name] = found.get(name, 0.0) + float(value)
        return found
