"""Traces that the test sets."""

from service.errors import NotFound, ServiceError
from service.monitoring.port import Trace


class FakeTraces:
    """Implements `Traces`. `errors` are raised first, one per call; `asked` logs the ids."""

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}
        self.errors: list[ServiceError] = []
        self.asked: list[str] = []

    async def find(self, trace_id: str) -> Trace:
        self.asked.append(trace_id)
        if self.errors:
            raise self.errors.pop(0)
        if trace_id not in self.traces:
            raise NotFound("no such trace; the latest 200 are kept")
        return self.traces[trace_id]
