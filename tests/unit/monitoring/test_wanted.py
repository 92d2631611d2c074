"""Filters of queries."""

import pytest

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.monitoring.fault import judge
from service.monitoring.normal import parts_of
from service.monitoring.port import EVERYTHING, Wanted
from service.monitoring.wanted import FAULTS, takes, with_phases
from tests.unit.monitoring.records import MODEL, hit, warm

QUERY = judge(warm(), {})


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (EVERYTHING, True),
        (Wanted(models=frozenset({MODEL, "other"})), True),
        (Wanted(models=frozenset({"other"})), False),
        (Wanted(stages=frozenset({"generate"})), True),
        (Wanted(stages=frozenset({"retrieve"})), False),
        (Wanted(outcomes=frozenset({Outcome.OK})), True),
        (Wanted(outcomes=frozenset({Outcome.ERROR})), False),
        (Wanted(caches=frozenset({CacheResult.MISS})), True),
        (Wanted(caches=frozenset({CacheResult.HIT})), False),
        (Wanted(models=frozenset({MODEL}), outcomes=frozenset({Outcome.ERROR})), False),
    ],
)
def test_every_filter_that_is_set_must_allow_it(wanted: Wanted, taken: bool) -> None:
    assert takes(wanted, QUERY) is taken


def test_answers_without_a_model_have_a_name() -> None:
    none = Wanted(models=frozenset({"none"}))
    assert takes(none, judge(warm(model=None), {}))
    assert not takes(none, QUERY)


def test_generate_means_its_phases_too() -> None:
    assert with_phases(["generate", "route"]) == {
        "route", "generate", "generate.queue", "generate.load", "generate.prompt_eval", "generate.eval",
        "generate.other",
    }  # fmt: skip
    assert with_phases(["generate.eval"]) == {"generate.eval"}
    assert with_phases([]) == frozenset()


def test_everything_that_can_be_at_fault_can_be_asked_for() -> None:
    phases = {"queue": 0.1, "load": 0.0, "prompt_eval": 0.2, "eval": 0.5}
    every = warm(stages=dict.fromkeys(Stage, 1.0), phases=phases)
    assert set(parts_of(every)) | set(parts_of(hit())) | {Stage.GENERATE} == set(FAULTS)
