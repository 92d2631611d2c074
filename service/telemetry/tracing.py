"""The tracer provider: who we are, where spans go, how much of them may be lost, and how it all ends in bounded time.

Spans always go to the ring in memory; they go to an OTLP/HTTP endpoint only when one is configured. The queue is
bounded and never blocks a request: when the Collector is away the oldest spans are lost, and counted: lost is what
ended and was not delivered. (The SDK's own `queue_full` is late or early by one per batch, for it counts without a
lock.) OpenTelemetry's variables for samplers, limits, batching, headers and certificates are read by the SDK itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import MeterProvider, NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.ask.types import TraceRef
from service.clock import Clock, SystemClock
from service.telemetry.delivery import Delivery
from service.telemetry.ring import TraceRing
from service.telemetry.vocabulary import Export

# Longer values are cut: 100 kB attributes in a full queue once held 435 MB.
ATTRIBUTE_CHARS = 4096

# Told how many spans came to which end; None = they ended, and are meant to be sent.
Count = Callable[[Export | None, int], None]

_PROPAGATOR = TraceContextTextMapPropagator()
_log = logging.getLogger(__name__)


def current_trace() -> TraceRef:
    """Hex ids of the current span; empty ones outside any trace."""
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return TraceRef()
    return TraceRef(format_trace_id(context.trace_id), format_span_id(context.span_id))


def trace_headers() -> dict[str, str]:
    """W3C trace context of the current span, so that a server's own spans join the trace; empty outside any trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def make_resource(service: str, version: str, environment: str) -> Resource:
    """Who sends these spans. What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say wins over what is passed here."""
    found = dict(Resource.create().attributes)
    if str(found.get("service.name", "")).startswith("unknown_service"):
        found["service.name"] = service
    return Resource({"service.version": version, "deployment.environment.name": environment, **found})


class Exporter(SpanExporter):
    """Counts what a wrapped exporter delivered and what it gave up, and has it told. The SDK's own `exported` counts a
    batch refused with 400 or 503 as exported, so it cannot tell."""

    def __init__(self, inner: SpanExporter, delivery: Delivery, count: Count | None = None) -> None:
        self._inner = inner
        self._delivery = delivery
        self._count = count
        self._closed = threading.Event()
        self._sending = False
        self.delivered = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE if self._closed.is_set() else self._sent(spans)
        delivered = result is SpanExportResult.SUCCESS
        self.delivered += len(spans) if delivered else 0
        if self._count is not None:
            self._count(Export.DELIVERED if delivered else Export.FAILED, len(spans))
        return result

    def _sent(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        reason, self._sending = "", True
        try:
            result = self._inner.export(spans)
        except Exception as error:
            # A thread that nobody watches: the batch is lost, the next one is tried.
            result, reason = SpanExportResult.FAILURE, type(error).__name__
        self._sending = False
        if result is SpanExportResult.SUCCESS:
            self._delivery.succeeded()
        elif not self._closed.is_set():
            self._delivery.failed(reason)
        if self._closed.is_set():
            self._delivery.detach()
        return result

    def shutdown(self) -> None:
        """Stop retrying. What is still handed over is given up at once."""
        if not self._closed.is_set():
            self._closed.set()
            self._inner.shutdown()
            if not self._sending:
                self._delivery.detach()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        return True


class Processor(BatchSpanProcessor):
    """The SDK's batch processor, counting the sampled spans it was given."""

    def __init__(self, exporter: Exporter, meter_provider: MeterProvider, count: Count | None) -> None:
        super().__init__(exporter, meter_provider=meter_provider)
        self._exporter = exporter
        self._count = count
        self._given = 0

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self._given += 1
            if self._count is not None:
                self._count(None, 1)
        super().on_end(span)

    @property
    def undelivered(self) -> int:
        """Sampled spans that no Collector has acknowledged: lost, queued or on their way."""
        return self._given - self._exporter.delivered

    def abandon(self) -> None:
        """Give up everything that is queued, so that the sending thread ends."""
        self._exporter.shutdown()


def otlp_exporter(url: str, timeout_s: float | None, meter_provider: MeterProvider) -> SpanExporter | None:
    """An OTLP/HTTP exporter to the full `url` (`/v1/traces` included); None, and an error logged, when unusable."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("it must look like http://host:4318")
        return OTLPSpanExporter(endpoint=url, timeout=timeout_s, meter_provider=meter_provider)
    except (ValueError, OSError) as error:
        _log.error("Traces are not exported, the OTLP/HTTP endpoint or its certificate cannot be used: %s", error)
        return None


class Tracing:
    """Provider, ring and queue. `exporter` None means nothing leaves this process; `where` it sends to, for the log."""

    def __init__(
        self,
        resource: Resource,
        meter_provider: MeterProvider,
        *,
        exporter: SpanExporter | None = None,
        where: str = "",
        count: Count | None = None,
        clock: Clock | None = None,
        ring: TraceRing | None = None,
    ) -> None:
        self.ring = ring or TraceRing()
        # Shut down by `shutdown` alone: the SDK's own exit handler may wait for 30 s.
        # Its own counts of started and live spans cost a third of a span; nobody asks for them.
        self.provider = TracerProvider(
            resource=resource, shutdown_on_exit=False, span_limits=_limits(), meter_provider=NoOpMeterProvider()
        )
        self.provider.add_span_processor(self.ring)
        self._processor: Processor | None = None
        if exporter is not None:
            counted = Exporter(exporter, Delivery(where, clock or SystemClock()), count)
            self._processor = Processor(counted, meter_provider, count)
            self.provider.add_span_processor(self._processor)

    @property
    def undelivered(self) -> int:
        """Sampled spans that no Collector has acknowledged; 0 when nothing is exported."""
        return self._processor.undelivered if self._processor else 0

    def abandon(self) -> None:
        """Give up what is queued. For the end, when the time for an orderly one is over."""
        if self._processor is not None:
            self._processor.abandon()


def _limits() -> SpanLimits:
    """The SDK's limits, from its variables; with a length limit where it has none."""
    limits = SpanLimits()
    return limits if limits.max_attribute_length is not None else SpanLimits(max_attribute_length=ATTRIBUTE_CHARS)


def shut_down(parts: Mapping[str, Callable[[], object]], timeout_s: float) -> tuple[str, ...]:
    """Run every part's shutdown at once, for at most `timeout_s` together; names of those that did not finish.

    What is late goes on in a daemon thread, which does not keep the process. Never raises.
    """
    threads = {
        name: threading.Thread(target=_guarded(name, part), name=f"shutdown-{name}", daemon=True)
        for name, part in parts.items()
    }
    deadline = time.monotonic() + timeout_s
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    return tuple(name for name, thread in threads.items() if thread.is_alive())


def _guarded(name: str, part: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            part()
        except Exception as error:
            _log.warning("Shutting down %s failed: %s", name, type(error).__name__)

    return run
