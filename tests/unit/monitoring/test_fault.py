"""Which stage is at fault: the one furthest above its own normal."""

import random

import pytest

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.monitoring.fault import judge
from service.monitoring.normal import ENOUGH, Normals
from service.monitoring.port import UNACCOUNTED, JudgedQuery, QueryRecord, QueryType
from tests.unit.monitoring.records import hit, warm

PHASES = {"queue": 0.0, "load": 0.0, "prompt_eval": 0.2, "eval": 0.6}


def varied(number: int, seed: int = 7) -> QueryRecord:
    """Answers whose generation varies a lot and whose other stages do not."""
    chance = random.Random(seed * 1000 + number)
    eval_s = max(0.1, chance.gauss(2.0, 0.5))
    stages = {
        Stage.ROUTE: chance.gauss(0.0003, 0.00001),
        Stage.EMBED: chance.gauss(0.02, 0.002),
        Stage.RETRIEVE: chance.gauss(0.01, 0.001),
        Stage.ADMISSION: 0.0,
        Stage.GENERATE: eval_s + 0.2,
    }
    phases = PHASES | {"eval": eval_s}
    return warm(stages=stages, phases=phases, duration_s=sum(stages.values()))


def with_more(record: QueryRecord, **seconds: float) -> QueryRecord:
    stages = dict(record.stages)
    for name, more in seconds.items():
        stages[Stage(name)] = stages.get(Stage(name), 0.0) + more
    return warm(stages=stages, phases=record.phases, duration_s=record.duration_s + sum(seconds.values()))


def after(usual: list[QueryRecord], record: QueryRecord) -> JudgedQuery:
    normals = Normals()
    for one in usual:
        normals.learn(one)
    return judge(record, normals.of(record))


USUAL = [varied(number) for number in range(100)]
STEADY = [warm() for _ in range(ENOUGH)]


@pytest.mark.parametrize(
    ("stage", "seconds"), [("retrieve", 1.0), ("embed", 0.7), ("admission", 2.0), ("route", 0.5), ("coalesce", 3.0)]
)
def test_a_stage_that_lost_time_is_at_fault_however_long_the_answer_was(stage: str, seconds: float) -> None:
    for number in range(50):
        query = after(USUAL, with_more(varied(number, seed=8), **{stage: seconds}))
        assert query.stage == stage
        assert query.stage_s >= seconds
        assert query.share == pytest.approx(query.stage_s / query.record.duration_s)


def test_a_long_answer_is_at_fault_itself_even_when_a_steady_stage_lost_a_few_milliseconds() -> None:
    long = warm(
        stages={Stage.ROUTE: 0.004, Stage.EMBED: 0.03, Stage.RETRIEVE: 0.012, Stage.GENERATE: 9.2},
        phases=PHASES | {"eval": 9.0},
        duration_s=9.25,
    )
    query = after(USUAL, long)
    assert (query.stage, query.stage_s) == ("generate.eval", 9.0)
    assert query.usual_s == pytest.approx(2.0, abs=0.2)
    assert query.spread_s == pytest.approx(0.5, abs=0.15)
    assert query.usual_total_s == pytest.approx(2.23, abs=0.2)


def test_the_distance_counts_in_spreads_not_in_seconds() -> None:
    # A second more is nothing for a stage that varies by 0.5 s beside 0.6 s more in one that is steady.
    record = with_more(varied(3), retrieve=0.6)
    record = warm(stages=dict(record.stages) | {Stage.GENERATE: 3.2}, phases=PHASES | {"eval": 3.0}, duration_s=3.9)
    assert after(USUAL, record).stage == "retrieve"


def test_time_that_no_stage_explains_can_be_at_fault() -> None:
    assert after(STEADY, warm(duration_s=3.0, unaccounted_s=2.0)).stage == UNACCOUNTED


def test_with_few_records_the_largest_part_is_at_fault_and_nothing_is_called_usual() -> None:
    query = after(STEADY[1:], warm())
    assert (query.stage, query.usual_s, query.spread_s, query.usual_total_s) == ("generate", None, None, None)


def test_a_cold_load_is_named() -> None:
    usual = [warm(phases=PHASES, duration_s=1.0) for _ in range(ENOUGH)]
    stages = {Stage.ROUTE: 0.01, Stage.RETRIEVE: 0.09, Stage.GENERATE: 12.9}
    query = after(usual, warm(cold=True, duration_s=13.0, stages=stages, phases=PHASES | {"load": 12.0}))
    assert (query.stage, query.stage_s, query.usual_s) == ("generate.load", 12.0, 0.0)


def test_what_was_never_spent_before_is_usually_nothing() -> None:
    joined = warm(duration_s=7.0, cache=CacheResult.COALESCED, stages={Stage.ROUTE: 0.01, Stage.COALESCE: 6.99})
    query = after(STEADY, joined)
    assert (query.stage, query.usual_s, query.spread_s) == ("coalesce", 0.0, 0.0)


def test_failures_and_rejections_are_judged_too() -> None:
    shed = warm(
        duration_s=5.1, outcome=Outcome.REJECTED, type=QueryType.ERROR, error=ErrorKind.OVERLOADED, mode=None,
        stages={Stage.ROUTE: 0.01, Stage.RETRIEVE: 0.09, Stage.ADMISSION: 5.0},
    )  # fmt: skip
    assert after(STEADY, shed).stage == "admission"
    # Broken off while the model wrote: its phases are not known, so the whole of it is compared.
    broken = warm(duration_s=1.2, outcome=Outcome.ERROR, stages={Stage.RETRIEVE: 0.5, Stage.GENERATE: 0.7})
    assert after(STEADY, broken).stage == "retrieve"
    gone = warm(duration_s=4.0, outcome=Outcome.CANCELLED, stages={}, unaccounted_s=4.0)
    query = after(STEADY, gone)
    assert (query.stage, query.share) == (UNACCOUNTED, 1.0)


def test_a_slow_hit_is_compared_with_hits() -> None:
    slow = hit(duration_s=2.0, stages={Stage.ROUTE: 0.0, Stage.CACHE_LOOKUP: 2.0})
    query = after([hit() for _ in range(ENOUGH)], slow)
    assert (query.stage, query.usual_total_s) == ("cache_lookup", 0.002)


def test_a_request_of_no_length_has_no_share() -> None:
    query = judge(warm(duration_s=0.0, stages={}), {})
    assert (query.stage, query.share) == (UNACCOUNTED, 0.0)
