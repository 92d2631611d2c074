"""The memory of recent requests: counters since start, and the last records themselves.

Bounded: at most `kept` records, about 1 kB each. `record` judges a record against what was usual until then, which
takes some ten microseconds, and hands it to the slow log; readers copy under the lock and compute outside it, so a page
that is being made never holds up an answer. Safe from any thread.
"""

import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from service.ask.types import Outcome
from service.clock import Clock
from service.monitoring.fault import judge
from service.monitoring.live import LiveSteps
from service.monitoring.normal import Normals
from service.monitoring.port import (
    EVERYTHING,
    JudgedQuery,
    LiveFigures,
    QueryRecord,
    QueryType,
    Summary,
    Usual,
    Wanted,
)
from service.monitoring.quantiles import quantiles
from service.monitoring.wanted import takes

KEPT = 2000
_FAILED = frozenset({Outcome.ERROR, Outcome.REJECTED, Outcome.CANCELLED})
# Models come from an allow-list, so this is never reached; it bounds the memory even if that should change.
_MAX_MODELS = 200


class QueryMonitor:
    """Implements `Monitor`. `note` is told of every judged record, in the caller's thread."""

    def __init__(self, clock: Clock, kept: int = KEPT, note: Callable[[JudgedQuery], None] = lambda _: None) -> None:
        self._clock = clock
        self._started_s = clock.monotonic()
        self._lock = threading.Lock()
        self._note = note
        self._normals = Normals()
        self._steps = LiveSteps(clock)
        self._queries: deque[JudgedQuery] = deque(maxlen=kept)
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._types = dict.fromkeys(QueryType, 0)
        self._models: Counter[str] = Counter()
        self._sum_s = 0.0
        self._min_s: float | None = None
        self._max_s: float | None = None

    def record(self, record: QueryRecord) -> None:
        """See `Monitor.record`."""
        took_s = record.duration_s
        with self._lock:
            query = judge(record, self._normals.of(record))
            self._normals.learn(record)
            self._steps.add(record, failed=record.outcome in _FAILED)
            self._queries.append(query)
            self._outcomes[record.outcome] += 1
            self._types[record.type] += 1
            self._sum_s += took_s
            self._min_s = took_s if self._min_s is None else min(self._min_s, took_s)
            self._max_s = took_s if self._max_s is None else max(self._max_s, took_s)
            model = answered_by(record)
            if model is not None and (model in self._models or len(self._models) < _MAX_MODELS):
                self._models[model] += 1
        self._note(query)

    def learn(self, records: Iterable[QueryRecord]) -> None:
        """Take what was usual before this process started, oldest first. They count nowhere else."""
        with self._lock:
            for record in records:
                self._normals.learn(record)

    def summary(self) -> Summary:
        """See `Monitor.summary`."""
        with self._lock:
            records = tuple(query.record for query in self._queries)
            outcomes, types, models = dict(self._outcomes), dict(self._types), dict(self._models)
            sum_s, min_s, max_s = self._sum_s, self._min_s, self._max_s
        total = sum(outcomes.values())
        by_model: defaultdict[str, list[float]] = defaultdict(list)
        for record in records:
            if (model := answered_by(record)) is not None:
                by_model[model].append(record.duration_s)
        return Summary(
            total=total,
            errors=sum(outcomes[outcome] for outcome in _FAILED),
            uptime_s=self._clock.monotonic() - self._started_s,
            mean_s=sum_s / total if total else None,
            min_s=min_s,
            max_s=max_s,
            model_usage=models,
            query_types=types,
            outcomes=outcomes,
            overall=quantiles(record.duration_s for record in records),
            by_model={model: quantiles(durations) for model, durations in sorted(by_model.items())},
            kept=len(records),
            oldest_at=records[0].at if records else None,
        )

    def recent(self, count: int, wanted: Wanted = EVERYTHING) -> Sequence[JudgedQuery]:
        """See `Monitor.recent`."""
        count = max(0, count)
        if wanted == EVERYTHING:
            with self._lock:
                newest_first = tuple(islice(reversed(self._queries), count))
            return newest_first[::-1]
        with self._lock:
            queries = tuple(self._queries)
        return tuple(islice((query for query in reversed(queries) if takes(wanted, query)), count))[::-1]

    def find(self, trace_id: str) -> JudgedQuery | None:
        """See `Monitor.find`."""
        with self._lock:
            queries = tuple(self._queries)
        return next((query for query in reversed(queries) if query.record.trace_id == trace_id), None)

    def usual(self) -> Mapping[str, Usual]:
        """See `Monitor.usual`."""
        with self._lock:
            return self._normals.usual()

    def live(self) -> LiveFigures:
        """See `Monitor.live`."""
        with self._lock:
            return self._steps.read()


def answered_by(record: QueryRecord) -> str | None:
    """The model whose answer was given, now or from the cache; None for failures and for answers without a model."""
    return None if record.outcome in _FAILED else record.model
