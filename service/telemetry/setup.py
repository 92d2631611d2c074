"""Telemetry as one object: built first, handed to the wrappers, and closed last, in bounded time.

The composition root builds it from plain values. It needs OpenTelemetry's variables to have their defaults by then
(`settings.prepare_environment`): without them the SDK's own metrics, and the count of dropped spans, are missing.
"""

import asyncio
import logging
from collections.abc import Sequence

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace.export import SpanExporter
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from service.clock import Clock, SystemClock
from service.telemetry import asgi
from service.telemetry.catalogue import CONSTANT_LABELS, TRACE_SPANS, TRACE_SPANS_ENDED
from service.telemetry.delivery import without_secrets
from service.telemetry.exposition import MetricsPage
from service.telemetry.meters import Meters, SnapshotCollector
from service.telemetry.pollers.readings import Readings, Sources
from service.telemetry.ring import TraceRing
from service.telemetry.stage import Stages
from service.telemetry.tracing import Tracing, make_resource, otlp_exporter, shut_down
from service.telemetry.vocabulary import Export

_SCOPE = "emini-rag"

_log = logging.getLogger(__name__)


class Telemetry:
    """Registry, meters, tracer and metrics page of one process.

    `models` may answer, `embedder` makes vectors ("" = none): the vocabulary of the model label. `traces_url` is the
    full OTLP/HTTP address (`.../v1/traces`); empty = nothing leaves the process. `export_timeout_s` None = as
    OTEL_EXPORTER_OTLP_TIMEOUT says. `exporter` replaces the one for `traces_url`.
    """

    def __init__(
        self,
        *,
        service: str,
        version: str,
        environment: str,
        models: Sequence[str],
        embedder: str = "",
        traces_url: str = "",
        export_timeout_s: float | None = None,
        clock: Clock | None = None,
        exporter: SpanExporter | None = None,
        ring: TraceRing | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self.registry = CollectorRegistry()
        self.meters = Meters(self.registry, models, embedder=embedder)
        resource = make_resource(service, version, environment)
        self.service = str(resource.attributes["service.name"])
        reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=self.registry)
        self._sdk_metrics = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
        if exporter is None and traces_url:
            exporter = otlp_exporter(traces_url, export_timeout_s, self._sdk_metrics)
        self._tracing = Tracing(
            resource,
            self._sdk_metrics,
            exporter=exporter,
            where=without_secrets(traces_url),
            count=self._count,
            clock=self._clock,
            ring=ring,
        )
        self.tracer_provider = self._tracing.provider
        self.ring = self._tracing.ring
        self.stages = Stages(self.tracer_provider.get_tracer(_SCOPE, version), self.meters, self._clock)
        constant = {label: str(resource.attributes[name]) for label, name in CONSTANT_LABELS.items()}
        self.page = MetricsPage(self.registry, constant)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._closed = False

    def instrument(self, app: asgi.App) -> None:
        """Measure every request of `app`; once, after its routes and other middleware are there."""
        asgi.instrument(app, self.tracer_provider, self.meters, self._clock)

    def observe(self, sources: Sources) -> None:
        """Show the state of `sources` on the metrics page; once, when the adapters are there."""
        readings = Readings(sources, self.meters.problem)
        self.registry.register(SnapshotCollector(readings, on_problem=self.meters.problem))

    def shutdown(self, timeout_s: float = 4.5) -> None:
        """Send what is queued and stop, within `timeout_s` whatever the Collector does. Only the first call counts."""
        if self._closed:
            return
        self._closed = True
        late = shut_down({"traces": self.tracer_provider.shutdown, "metrics": self._sdk_metrics.shutdown}, timeout_s)
        if late:
            self._tracing.abandon()
        if self._tracing.undelivered:
            why = ": no answer in time" if late else ""
            _log.warning("%d spans were not delivered%s", self._tracing.undelivered, why)
        self.page.close()

    async def close(self, timeout_s: float = 4.5) -> None:
        """The same, off the event loop."""
        await asyncio.to_thread(self.shutdown, timeout_s)

    def _count(self, result: Export | None, spans: int) -> None:
        if result is None:
            self.meters.add(TRACE_SPANS_ENDED, spans)
        else:
            self.meters.add(TRACE_SPANS, spans, result=result.value)
