"""An exporter whose results the test sets."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class ScriptedExporter(SpanExporter):
    """Answers each batch with the next of `results` (an exception is raised), then with success. `batches` is a log."""

    def __init__(self, *results: SpanExportResult | Exception) -> None:
        self.results = list(results)
        self.batches: list[list[str]] = []
        self.shutdowns = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.batches.append([span.name for span in spans])
        result = self.results.pop(0) if self.results else SpanExportResult.SUCCESS
        if isinstance(result, Exception):
            raise result
        return result

    def shutdown(self) -> None:
        self.shutdowns += 1
