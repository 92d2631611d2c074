"""The memory of recent requests."""

import threading

import pytest

from service.ask.types import Mode, Outcome
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.monitoring.normal import ENOUGH
from service.monitoring.port import JudgedQuery, Quantiles, QueryRecord, QueryType, Wanted
from service.monitoring.summary import QueryMonitor, answered_by
from tests.fakes.clock import ManualClock
from tests.unit.monitoring.records import MODEL, hit, warm


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def monitor(clock: ManualClock) -> QueryMonitor:
    return QueryMonitor(clock, kept=5)


def failure(outcome: Outcome, duration_s: float = 3.0) -> QueryRecord:
    return warm(outcome=outcome, type=QueryType.ERROR, duration_s=duration_s, error=ErrorKind.TIMEOUT, mode=None)


def test_before_the_first_request_every_figure_is_zero_or_none(monitor: QueryMonitor, clock: ManualClock) -> None:
    clock.advance(12)
    summary = monitor.summary()
    assert (summary.total, summary.errors, summary.kept, summary.uptime_s) == (0, 0, 0, 12)
    assert (summary.mean_s, summary.min_s, summary.max_s, summary.oldest_at) == (None, None, None, None)
    assert summary.overall == Quantiles(0)
    assert summary.by_model == summary.model_usage == {}
    assert set(summary.outcomes) == set(Outcome)
    assert set(summary.query_types) == set(QueryType)
    assert monitor.recent(10) == ()
    assert monitor.usual() == {}
    assert monitor.find("") is None


def test_counts_what_happened(monitor: QueryMonitor) -> None:
    monitor.record(warm(duration_s=1.0))
    monitor.record(hit(duration_s=0.5))
    monitor.record(warm(model=None, mode=Mode.EXTRACTIVE, type=QueryType.EXTRACTIVE, outcome=Outcome.DEGRADED))
    monitor.record(failure(Outcome.REJECTED))
    summary = monitor.summary()
    assert (summary.total, summary.errors) == (4, 1)
    assert (summary.mean_s, summary.min_s, summary.max_s) == (pytest.approx(5.5 / 4), 0.5, 3.0)
    assert summary.model_usage == {MODEL: 2}
    assert summary.query_types[QueryType.CACHED] == summary.query_types[QueryType.EXTRACTIVE] == 1
    assert summary.outcomes[Outcome.REJECTED] == 1
    assert summary.by_model[MODEL].count == 2
    assert summary.overall.count == 4


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.REJECTED, Outcome.CANCELLED])
def test_failures_count_as_errors_and_for_no_model(monitor: QueryMonitor, outcome: Outcome) -> None:
    monitor.record(failure(outcome))
    summary = monitor.summary()
    assert (summary.errors, summary.model_usage, summary.by_model) == (1, {}, {})


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.DEGRADED, Outcome.NO_CONTEXT])
def test_answers_are_no_errors(monitor: QueryMonitor, outcome: Outcome) -> None:
    monitor.record(warm(outcome=outcome))
    assert monitor.summary().errors == 0
    assert answered_by(warm(outcome=outcome)) == MODEL


def test_counters_last_and_records_are_bounded(monitor: QueryMonitor) -> None:
    for number in range(20):
        monitor.record(warm(at=float(number), duration_s=100.0 - number))
    summary = monitor.summary()
    assert (summary.total, summary.kept, summary.oldest_at) == (20, 5, 15.0)
    assert summary.max_s == 100.0  # since start, though that record has gone
    assert summary.overall.count == summary.by_model[MODEL].count == 5


def test_recent_are_the_newest_with_the_newest_last(monitor: QueryMonitor) -> None:
    for number in range(7):
        monitor.record(warm(at=float(number)))
    assert [query.record.at for query in monitor.recent(3)] == [4.0, 5.0, 6.0]
    assert len(monitor.recent(100)) == 5
    assert monitor.recent(0) == monitor.recent(-1) == ()


def test_recent_ones_are_found_by_what_they_were_like(monitor: QueryMonitor) -> None:
    monitor.record(warm(trace_id="a"))
    monitor.record(hit(trace_id="b"))
    monitor.record(failure(Outcome.ERROR))
    monitor.record(hit(trace_id="d"))
    hits = Wanted(caches=frozenset({CacheResult.HIT}))
    assert [query.record.trace_id for query in monitor.recent(5, hits)] == ["b", "d"]
    assert [query.record.trace_id for query in monitor.recent(1, hits)] == ["d"]
    assert monitor.recent(0, hits) == ()
    found = monitor.find("b")
    assert found is not None
    assert found.record.cache is CacheResult.HIT


def test_each_is_judged_by_what_was_usual_before_it_and_handed_on(clock: ManualClock) -> None:
    noted: list[JudgedQuery] = []
    monitor = QueryMonitor(clock, note=noted.append)
    for _ in range(ENOUGH + 1):
        monitor.record(warm())
    assert [query.usual_total_s for query in noted] == [None] * ENOUGH + [1.0]
    assert tuple(noted) == monitor.recent(100)


def test_what_was_usual_before_the_start_is_learned_and_counts_nowhere(clock: ManualClock) -> None:
    monitor = QueryMonitor(clock)
    monitor.learn(warm() for _ in range(ENOUGH))
    assert monitor.usual()[MODEL].total.median_s == 1.0
    assert (monitor.summary().total, monitor.recent(5)) == (0, ())


def test_live_figures_are_of_the_same_records(monitor: QueryMonitor) -> None:
    monitor.record(warm(duration_s=2.0))
    monitor.record(failure(Outcome.ERROR, duration_s=9.0))
    live = monitor.live()
    assert (live.asked[-1], live.latency[MODEL][-1]) == (2, 2.0)


def test_a_flood_of_model_names_does_not_grow_the_counters(clock: ManualClock) -> None:
    monitor = QueryMonitor(clock)
    for number in range(1000):
        monitor.record(warm(model=f"model-{number}", cache=CacheResult.MISS))
    assert len(monitor.summary().model_usage) <= 200


def test_readers_in_other_threads_see_whole_states(clock: ManualClock) -> None:
    monitor = QueryMonitor(clock, kept=50)
    stop = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not stop.is_set():
            summary = monitor.summary()
            if summary.total != sum(summary.query_types.values()) or summary.kept != min(50, summary.total):
                faults.append(f"{summary.total} {summary.kept}")
            monitor.usual()
            monitor.live()
            monitor.recent(5)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(3000):
        monitor.record(warm())
    stop.set()
    for reader in readers:
        reader.join(10)
    assert faults == []
    assert monitor.summary().total == 3000
