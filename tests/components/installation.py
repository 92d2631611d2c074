"""The native stack as tests run it: free ports, everything in one folder, a scrape a second, tiny models in Ollama.

Tempo is the store of traces where there is one; else a sink takes its place behind the shipped Collector, which is
configured no differently for that. Alerts that are to be told go to a webhook of the tests.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.components.find import find, missing
from ops.stack.part import Part
from ops.stack.plans import password_file
from ops.stack.ports import Ports
from ops.stack.process import wait_until
from ops.stack.site import ROOT
from ops.stack.stack import Stack
from tests.components.alertmanager_api import AlertmanagerApi
from tests.components.fixtures import require
from tests.components.hurried_rules import HURRIED, written
from tests.components.kernel import family
from tests.components.ollama import RunningOllama
from tests.components.prometheus_api import PrometheusApi
from tests.components.service_client import ServiceClient
from tests.components.trace_store import SinkStore, TempoStore, TraceStore
from tests.fakes.otlp_sink import OtlpSink
from tests.fakes.webhook import Webhook

SERVICE = "emini-rag"
# Without these there is no installation to test; the others no registry serves.
NEEDED = ("otelcol", "prometheus", "alertmanager")
EMBEDDED_S = 180.0
REQUEST_S = 30.0
SERVICE_SETTINGS = {
    "RAG_OLLAMA__POLL_S": "0.5",
    # The tiny models read letter by letter: one passage is a second, five are five.
    "RAG_RETRIEVAL__TOP_K": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
}
# A trace is found a second after it has arrived, not half a minute.
TEMPO_SETTINGS = {
    "TEMPO_SEARCH_CUTOFF": "0s",
    "TEMPO_TRACE_IDLE": "500ms",
    "TEMPO_FLUSH_CHECK": "500ms",
}


@dataclass(frozen=True)
class Installation:
    """A running stack and the clients of its parts. `sink` stands in Tempo's place where there is none."""

    stack: Stack
    service: ServiceClient
    prometheus: PrometheusApi
    alertmanager: AlertmanagerApi
    traces: TraceStore
    sink: OtlpSink
    webhook: Webhook

    @property
    def folder(self) -> Path:
        return self.stack.folder

    @property
    def environment(self) -> str:
        return self.stack.site.environment

    @property
    def jobs(self) -> set[str]:
        """What Prometheus is to scrape: every part that has metrics."""
        parts = self.stack.parts.values()
        return {SERVICE if part.name == "service" else part.name for part in parts if part.plan.metrics_port}

    @property
    def pids(self) -> list[int]:
        """Every process of every part."""
        return [pid for part in self.stack.parts.values() for pid in family(part.pid)]

    @property
    def queue_folder(self) -> Path:
        """Where the Collector keeps what Tempo has not taken yet."""
        return Path(self.stack.parts["otelcol"].plan.environment["COLLECTOR_QUEUE_DIR"])

    @property
    def sink_store(self) -> SinkStore:
        """The store of traces where it is known to be the sink."""
        assert isinstance(self.traces, SinkStore)
        return self.traces

    @contextmanager
    def grafana(self) -> Iterator[httpx.Client]:
        """An HTTP client of Grafana that is signed in as its first user."""
        password = password_file(self.stack.site).read_text()
        url = self.stack.parts["grafana"].url
        with httpx.Client(base_url=url, auth=("admin", password), timeout=REQUEST_S, trust_env=False) as client:
            yield client

    def needs(self, part: str) -> None:
        """Skip the test where this part was not found, and say so: those that no registry serves may be absent even
        where components are required."""
        if part != "service" and part not in self.stack.parts:
            pytest.skip(missing(part))


_PACE = (
    ("group_wait: 30s", "group_wait: 1s"),
    ("group_interval: 5m", "group_interval: 2s"),
    # Of the dead man's switch.
    ("group_interval: 1m", "group_interval: 1s"),
    ("repeat_interval: 5m", "repeat_interval: 2s"),
)


def hurried(part: Part, folder: Path) -> Part:
    """The Alertmanager of a stack with the shipped configuration, but at the pace of tests."""
    text = (ROOT / "prometheus" / "alertmanager.yml").read_text()
    for slow, quick in _PACE:
        assert slow in text
        text = text.replace(slow, quick)
    file = folder / "alertmanager" / "alertmanager.yml"
    file.write_text(text)
    command = [f"--config.file={file}" if word.startswith("--config.file=") else word for word in part.plan.command]
    return Part(replace(part.plan, command=tuple(command)))


def telling(part: Part) -> Part:
    """The Prometheus of a stack, which tells Alertmanager of an alert every second instead of every minute: so an alert
    ends within seconds of its Prometheus, too."""
    return Part(replace(part.plan, command=(*part.plan.command, "--rules.alert.resend-delay=1s")))


@contextmanager
def installed(
    folder: Path,
    ollama: RunningOllama,
    environment: str = "production",
    *,
    with_tempo: bool = True,
    overlay: Mapping[str, Any] = HURRIED,
) -> Iterator[Installation]:
    """A stack for tests, ready: the service has vectors for all its documents. `overlay` are bounds of its alert rules
    that lie on top of those of development."""
    for name in NEEDED:
        require(name)
    with ExitStack() as parts:
        sink = parts.enter_context(OtlpSink())
        webhook = parts.enter_context(Webhook())
        in_tempos_place = (
            {} if with_tempo and find("tempo") else {"TEMPO_OTLP_URL": sink.url.removesuffix("/v1/traces")}
        )
        stack = Stack(
            folder,
            Ports.free(),
            environment,
            without=["tempo"] if in_tempos_place else [],
            extra={
                "service": {**SERVICE_SETTINGS, "RAG_OLLAMA__URL": ollama.url},
                "otelcol": in_tempos_place,
                "prometheus": {"ALERT_RECEIVERS": "webhook,heartbeat"},
                "tempo": TEMPO_SETTINGS,
            },
            scrape_interval="1s",
            rules=written(folder / "rules", overlay),
        )
        stack.parts["alertmanager"] = hurried(stack.parts["alertmanager"], folder)
        stack.parts["prometheus"] = telling(stack.parts["prometheus"])
        for receiver in ("webhook_url", "heartbeat_url"):
            (stack.site.receivers / receiver).write_text(webhook.url)
        parts.enter_context(stack)
        part = stack.parts["service"]
        service = ServiceClient(part.url, stack.site.ports.service_metrics, part.log)
        parts.callback(service.close)
        wait_until(service.embedded, EMBEDDED_S, "every document has its vectors")
        yield Installation(
            stack,
            service,
            PrometheusApi(stack.parts["prometheus"].url),
            AlertmanagerApi(stack.parts["alertmanager"].url),
            SinkStore(sink) if in_tempos_place else TempoStore(stack.parts["tempo"].url),
            sink,
            webhook,
        )
