"""Telemetry that is kept instead of sent: finished spans and metric values, with a clock that the test moves."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from prometheus_client import CollectorRegistry

from service.telemetry.meters import Meters
from service.telemetry.stage import Stages
from tests.fakes.clock import ManualClock

SMALL, LARGE, EMBEDDER = "llama3.2:3b", "gpt-oss:20b", "nomic-embed-text"


class Recorder:
    """What wrappers are made with, and what they left behind."""

    def __init__(self, sampler: Sampler = ALWAYS_ON, models: Sequence[str] = (SMALL, LARGE)) -> None:
        self.clock = ManualClock()
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.provider = provider
        self.tracer = provider.get_tracer("test")
        self.registry = CollectorRegistry()
        self.meters = Meters(self.registry, models, embedder=EMBEDDER)
        self.stages = Stages(self.tracer, self.meters, self.clock)

    def spans(self) -> tuple[ReadableSpan, ...]:
        """Finished spans since the last call, in the order of their ends."""
        finished = self.exporter.get_finished_spans()
        self.exporter.clear()
        return finished

    def only(self) -> ReadableSpan:
        """The one finished span since the last call."""
        (span,) = self.spans()
        return span

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def problems(self) -> float:
        """Faults of telemetry itself."""
        samples = [sample for family in self.registry.collect() for sample in family.samples]
        return sum(sample.value for sample in samples if sample.name == "rag_telemetry_problems_total")
