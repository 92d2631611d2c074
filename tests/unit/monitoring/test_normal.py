"""What is usual for each model and stage."""

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.monitoring.normal import ENOUGH, TOTAL, Normals, parts_of
from service.monitoring.port import GENERATE_OTHER, NO_MODEL, UNACCOUNTED, Normal, QueryRecord, Usual
from tests.unit.monitoring.records import MODEL, WARM, hit, warm

PHASES = {"queue": 0.1, "load": 0.0, "prompt_eval": 0.2, "eval": 0.5}


def learned(*records: QueryRecord, rolling: int = 200) -> Normals:
    normals = Normals(rolling)
    for record in records:
        normals.learn(record)
    return normals


def test_with_few_records_nothing_is_usual() -> None:
    few = learned(*[warm()] * (ENOUGH - 1))
    assert few.of(warm()) == {}
    assert few.usual() == {MODEL: Usual(Normal(ENOUGH - 1))}
    few.learn(warm())
    assert few.of(warm())[TOTAL] == Normal(ENOUGH, 1.0, 0.0)
    assert few.usual()[MODEL].stages["retrieve"] == Normal(ENOUGH, 0.09, 0.0)
    assert TOTAL not in few.usual()[MODEL].stages


def test_the_spread_is_the_distance_of_the_quartiles_in_standard_deviations() -> None:
    normals = learned(*[warm(duration_s=float(seconds)) for seconds in range(101)])
    normal = normals.of(warm())[TOTAL]
    assert normal == Normal(101, 50.0, pytest.approx(50 / 1.349))


def test_one_wild_value_moves_neither_median_nor_spread_much() -> None:
    steady = [warm(duration_s=1.0 + number / 100) for number in range(40)]
    normal = learned(*steady, warm(duration_s=1000.0)).of(warm())[TOTAL]
    assert normal.median_s == pytest.approx(1.2)
    assert normal.spread_s is not None
    assert normal.spread_s < 0.2


def test_the_last_values_count() -> None:
    normals = learned(*[warm(duration_s=1.0)] * 30, *[warm(duration_s=5.0)] * 20, rolling=20)
    assert normals.of(warm())[TOTAL] == Normal(20, 5.0, 0.0)


def test_a_model_is_never_measured_against_another() -> None:
    normals = learned(*[warm()] * ENOUGH)
    assert normals.of(warm(model="gpt-oss:20b")) == {}
    assert normals.of(warm(model=None)) == {}


def test_answers_without_a_model_have_a_usual_of_their_own() -> None:
    quoted = warm(model=None, stages={Stage.EXTRACT: 0.1}, duration_s=0.1)
    normals = learned(*[quoted] * ENOUGH)
    assert normals.usual()[NO_MODEL].total.median_s == 0.1


def test_hits_are_measured_against_hits_of_any_model() -> None:
    normals = learned(*[hit()] * ENOUGH, *[warm()] * ENOUGH)
    assert normals.of(hit(model="gpt-oss:20b"))[TOTAL].median_s == 0.002
    assert normals.of(warm())[TOTAL].median_s == 1.0
    assert set(normals.usual()) == {MODEL}


@pytest.mark.parametrize(
    "record",
    [
        warm(cold=True),
        warm(outcome=Outcome.ERROR),
        warm(outcome=Outcome.CANCELLED),
        warm(outcome=Outcome.REJECTED),
        warm(outcome=Outcome.NO_CONTEXT),
        warm(cache=CacheResult.COALESCED),
        warm(cache=None),
    ],
)
def test_what_is_not_a_warm_answer_never_becomes_usual(record: QueryRecord) -> None:
    assert learned(*[record] * 50).usual() == {}


def test_a_stage_that_an_answer_did_not_need_counts_as_nothing() -> None:
    without = replace(WARM, stages={Stage.GENERATE: 0.9})
    normals = learned(*[without] * 30, *[warm()] * 20)
    assert normals.of(warm())["retrieve"] == Normal(50, 0.0, pytest.approx(0.09 / 1.349))
    normals = learned(*[warm()] * 20, *[without] * 30)
    assert normals.of(warm())["retrieve"].median_s == 0.0


def test_the_whole_of_generating_is_known_beside_its_phases() -> None:
    known = learned(*[warm(phases=PHASES)] * ENOUGH).of(warm())
    assert (known["generate"].median_s, known["generate.eval"].median_s) == (0.9, 0.5)
    assert known[GENERATE_OTHER].median_s == pytest.approx(0.1)


def test_models_without_end_do_not_fill_the_memory() -> None:
    normals = learned(*[warm(model=f"model-{number}") for number in range(1000)])
    assert len(normals.usual()) == 200


@given(st.lists(st.floats(0, 1000), min_size=ENOUGH, max_size=60), st.integers(ENOUGH, 40))
def test_figures_are_those_of_the_last_values_or_nearly(values: list[float], rolling: int) -> None:
    normals = learned(*[warm(duration_s=value) for value in values], rolling=rolling)
    last = values[-rolling:]
    found = normals.of(warm())[TOTAL]
    assert found.n == len(last)
    low, middle, high = statistics.quantiles(last, n=4, method="inclusive")
    assert found.median_s == pytest.approx(middle)
    assert found.spread_s == pytest.approx((high - low) / 1.349, abs=1e-9)


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
    assert parts_of(record)[UNACCOUNTED] == rest
