"""One trace by its id: from the ring of this process, else from Tempo, where one is configured."""

from service.errors import NotFound, ServiceError
from service.monitoring.port import Trace, TraceSource, TraceSpan
from service.telemetry.ring import KeptTrace, TraceRing
from service.telemetry.tempo import Tempo


class TraceLookup:
    """Implements `Traces`. `tempo` None = nothing but the ring."""

    def __init__(self, ring: TraceRing, tempo: Tempo | None = None) -> None:
        self._ring = ring
        self._tempo = tempo

    async def find(self, trace_id: str) -> Trace:
        """See `Traces.find`."""
        kept = self._ring.trace(trace_id)
        if kept is not None:
            return _told(kept)
        here = f"the service has no such trace in memory, where it keeps the latest {self._ring.traces}"
        if self._tempo is None:
            raise NotFound(
                f"{here}; older ones are where OTEL_EXPORTER_OTLP_ENDPOINT sends them: name a Tempo in "
                "RAG_TRACES__TEMPO_URL to have them looked up there"
            )
        try:
            found = await self._tempo.find(trace_id)
        except ServiceError as error:
            raise ServiceError(error.kind, f"{here}, and {error.detail}") from error
        if found is None:
            raise NotFound(
                f"{here}, and Tempo at {self._tempo.where} has none of this id: it was never sent there, or is older "
                "than Tempo keeps traces (14 days, unless otel/tempo.yml says otherwise)"
            )
        return found


def _told(kept: KeptTrace) -> Trace:
    start_ns = min((span.start_ns for span in kept.spans), default=0)
    end_ns = max((span.end_ns for span in kept.spans), default=0)
    spans = tuple(
        TraceSpan(
            name=span.name,
            span_id=span.span_id,
            parent_id=span.parent_id,
            start_s=(span.start_ns - start_ns) / 1e9,
            duration_s=span.duration_s,
            status=span.status,
            kind=span.kind,
            attributes=span.attributes,
        )
        for span in kept.spans
    )
    return Trace(kept.trace_id, TraceSource.MEMORY, (end_ns - start_ns) / 1e9, spans, kept.dropped)
