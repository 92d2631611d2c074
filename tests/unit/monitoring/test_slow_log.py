"""Which requests were slow, and which part of each is to blame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.errors import ErrorKind
from service.monitoring.port import QueryRecord, QueryType, SlowQuery
from service.monitoring.slow_log import ENOUGH, UNACCOUNTED, parts_of, rank
from service.routing.port import Tier
from tests.unit.monitoring.records import MODEL, hit, warm

USUAL = [warm() for _ in range(ENOUGH)]
PHASES = {"queue": 0.1, "load": 0.0, "prompt_eval": 0.2, "eval": 0.5}


def slowest(*records: QueryRecord) -> SlowQuery:
    return rank(records, since=0, count=1)[0]


def stages(**seconds: float) -> dict[Stage, float]:
    return dict(USUAL[0].stages) | {Stage(name): value for name, value in seconds.items()}


def test_ranks_by_duration_within_window_and_count() -> None:
    records = [warm(at=float(at), duration_s=seconds) for at, seconds in [(1, 9.0), (5, 2.0), (6, 4.0), (7, 3.0)]]
    assert [slow.record.duration_s for slow in rank(records, since=5, count=2)] == [4.0, 3.0]
    assert rank(records, since=8, count=2) == rank(records, since=0, count=0) == rank([], since=0, count=5) == ()


def test_the_largest_excess_is_at_fault_not_the_largest_part() -> None:
    slow = slowest(*USUAL, warm(duration_s=1.5, stages=stages(retrieve=0.59)))
    assert (slow.stage, slow.stage_s, slow.usual_s) == ("retrieve", 0.59, 0.09)
    assert slow.share == pytest.approx(0.59 / 1.5)
    assert slow.usual_total_s == 1.0


def test_time_that_no_stage_explains_can_be_at_fault() -> None:
    assert slowest(*USUAL, warm(duration_s=3.0, unaccounted_s=2.0)).stage == UNACCOUNTED


def test_a_model_is_never_measured_against_another() -> None:
    other = warm(model="gpt-oss:20b", tier=Tier.RESEARCH, duration_s=40.0, stages=stages(generate=39.9))
    slow = slowest(*USUAL, other)
    assert (slow.stage, slow.usual_s, slow.usual_total_s) == ("generate", None, None)
    assert slowest(*USUAL, *[other] * ENOUGH).usual_s == 39.9


def test_the_same_tier_is_the_closer_comparison_and_the_model_alone_the_next() -> None:
    long = [warm(tier=Tier.COMPLEX, duration_s=8.0, stages=stages(generate=7.9)) for _ in range(ENOUGH)]
    slow = slowest(*USUAL, *long, warm(tier=Tier.COMPLEX, duration_s=9.0, stages=stages(generate=8.9)))
    assert slow.usual_s == 7.9
    slow = slowest(*USUAL, warm(tier=Tier.MEDIUM, duration_s=9.0, stages=stages(generate=8.9)))
    assert (slow.usual_s, slow.usual_total_s) == (0.9, 1.0)


def test_one_group_of_records_is_counted_once() -> None:
    few = [warm(tier=None) for _ in range(ENOUGH - 1)]
    assert slowest(*few).usual_total_s is None


def test_with_few_records_the_largest_part_is_at_fault_and_nothing_is_called_usual() -> None:
    slow = slowest(*USUAL[1:])
    assert (slow.stage, slow.usual_s, slow.usual_total_s) == ("generate", None, None)


def test_a_cold_load_is_named() -> None:
    usual = [warm(phases=PHASES) for _ in range(ENOUGH)]
    cold = warm(cold=True, duration_s=13.0, stages=stages(generate=12.9), phases=PHASES | {"load": 12.0})
    slow = slowest(*usual, *[cold] * 20)  # however many there are, they never become usual
    assert (slow.stage, slow.stage_s, slow.usual_s) == ("generate.load", 12.0, 0.0)


def test_what_is_usual_may_be_zero() -> None:
    slow = slowest(*USUAL, warm(duration_s=6.0, stages=stages(admission=5.0)))
    assert (slow.stage, slow.usual_s) == ("admission", 0.0)


def test_failures_and_rejections_are_explained_too() -> None:
    shed = warm(
        duration_s=5.1, outcome=Outcome.REJECTED, type=QueryType.ERROR, error=ErrorKind.OVERLOADED, mode=None,
        stages={Stage.ROUTE: 0.01, Stage.RETRIEVE: 0.09, Stage.ADMISSION: 5.0},
    )  # fmt: skip
    assert slowest(*USUAL, shed).stage == "admission"
    broken = warm(duration_s=4.0, outcome=Outcome.ERROR, model=None, tier=None, cache=None, stages={Stage.ROUTE: 4.0})
    assert slowest(*USUAL, broken).stage == "route"
    gone = warm(duration_s=4.0, outcome=Outcome.CANCELLED, stages={}, unaccounted_s=4.0)
    slow = slowest(*USUAL, gone)
    assert (slow.stage, slow.share) == (UNACCOUNTED, 1.0)


def test_failures_never_become_usual() -> None:
    failures = [warm(duration_s=9.0, outcome=Outcome.ERROR, stages=stages(generate=8.9)) for _ in range(ENOUGH)]
    assert slowest(*failures).usual_s is None


def test_hits_are_measured_against_hits() -> None:
    hits = [hit() for _ in range(ENOUGH)]
    slow = slowest(*hits, hit(duration_s=2.0, stages={Stage.ROUTE: 0.0, Stage.CACHE_LOOKUP: 2.0}))
    assert (slow.stage, slow.usual_total_s) == ("cache_lookup", 0.002)
    assert slowest(*hits, warm()).usual_total_s is None


def test_waiting_for_an_identical_request_is_its_own_part() -> None:
    joined = warm(duration_s=7.0, cache=CacheResult.COALESCED, stages={Stage.ROUTE: 0.01, Stage.COALESCE: 6.99})
    assert slowest(*USUAL, joined).stage == "coalesce"


def test_a_request_of_no_length_has_no_share() -> None:
    slow = slowest(warm(duration_s=0.0, stages={}))
    assert (slow.stage, slow.share) == (UNACCOUNTED, 0.0)


@given(
    st.dictionaries(st.sampled_from(Stage), st.floats(0, 100)),
    st.fixed_dictionaries({name: st.floats(0, 10) for name in PHASES}),
    st.floats(0, 10),
)
def test_parts_sum_to_the_whole(seconds: dict[Stage, float], phases: dict[str, float], rest: float) -> None:
    if Stage.GENERATE in seconds:
        seconds[Stage.GENERATE] += sum(phases.values())  # as measured: the server's phases lie within the stage
    record = warm(stages=seconds, phases=phases, unaccounted_s=rest, model=MODEL)
    assert sum(parts_of(record).values()) == pytest.approx(sum(seconds.values()) + rest)
