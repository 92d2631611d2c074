"""A monitor whose figures the test sets."""

from collections.abc import Mapping, Sequence

from service.monitoring.fault import judge
from service.monitoring.port import (
    EVERYTHING,
    JudgedQuery,
    LiveFigures,
    Quantiles,
    QueryRecord,
    Summary,
    Usual,
    Wanted,
)
from service.monitoring.wanted import takes

NOTHING_YET = Summary(
    total=0,
    errors=0,
    uptime_s=1.5,
    mean_s=None,
    min_s=None,
    max_s=None,
    model_usage={},
    query_types={},
    outcomes={},
    overall=Quantiles(0),
    by_model={},
    kept=0,
    oldest_at=None,
)


NOTHING_LIVE = LiveFigures(15, 1_700_000_000.0, [0, 0], [None, None], {}, {})


class FakeMonitor:
    """Implements `Monitor`. `records` is what was recorded or set, without anything usual; the figures are set."""

    def __init__(self) -> None:
        self.current = NOTHING_YET
        self.records: list[QueryRecord] = []
        self.known: dict[str, Usual] = {}
        self.figures = NOTHING_LIVE

    def record(self, record: QueryRecord) -> None:
        self.records.append(record)

    def summary(self) -> Summary:
        return self.current

    def recent(self, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        found = [query for query in self._queries() if takes(wanted, query)]
        return found[max(0, len(found) - count) :]

    def find(self, trace_id: str) -> JudgedQuery | None:
        return next((query for query in reversed(self._queries()) if query.record.trace_id == trace_id), None)

    def usual(self) -> Mapping[str, Usual]:
        return self.known

    def live(self) -> LiveFigures:
        return self.figures

    def _queries(self) -> list[JudgedQuery]:
        return [judge(record, {}) for record in self.records]
