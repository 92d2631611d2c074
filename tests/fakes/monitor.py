"""A monitor whose figures the test sets."""

from collections.abc import Sequence

from service.monitoring.port import Quantiles, QueryRecord, SlowQuery, Summary

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


class FakeMonitor:
    """Implements `Monitor`. `records` is what was recorded or set; `asked` logs what `recent` and `slow` were given."""

    def __init__(self) -> None:
        self.current = NOTHING_YET
        self.records: list[QueryRecord] = []
        self.slowest: list[SlowQuery] = []
        self.asked: list[tuple[str, float, int]] = []

    def record(self, record: QueryRecord) -> None:
        self.records.append(record)

    def summary(self) -> Summary:
        return self.current

    def recent(self, count: int) -> Sequence[QueryRecord]:
        self.asked.append(("recent", 0.0, count))
        return self.records[-count:]

    def slow(self, window_s: float, count: int) -> Sequence[SlowQuery]:
        self.asked.append(("slow", window_s, count))
        return self.slowest[:count]
