"""The stopwatch: parts and rest sum to the whole."""

import pytest

from service.ask.laps import Laps
from service.ask.types import Stage
from tests.fakes.clock import ManualClock


def test_stages_and_the_rest_sum_to_the_total() -> None:
    clock = ManualClock()
    laps = Laps(clock)
    with laps.of(Stage.ROUTE):
        clock.advance(0.25)
    clock.advance(0.5)
    with laps.of(Stage.EMBED):
        clock.advance(1.0)
    timings = laps.timings()
    assert timings.total_s == 1.75
    assert timings.stages == {Stage.ROUTE: 0.25, Stage.EMBED: 1.0}
    assert timings.unaccounted_s == 0.5


def test_a_stage_that_runs_twice_adds_up() -> None:
    clock = ManualClock()
    laps = Laps(clock)
    for _ in range(2):
        with laps.of(Stage.CACHE_LOOKUP):
            clock.advance(0.5)
    assert laps.stages == {Stage.CACHE_LOOKUP: 1.0}


def test_a_failing_stage_is_timed_and_named() -> None:
    clock = ManualClock()
    laps = Laps(clock)
    with pytest.raises(RuntimeError), laps.of(Stage.GENERATE):
        clock.advance(2.0)
        raise RuntimeError
    assert laps.current is Stage.GENERATE
    assert laps.stages == {Stage.GENERATE: 2.0}


def test_the_rest_is_never_negative() -> None:
    laps = Laps(ManualClock())
    laps.merge({Stage.GENERATE: 3.0})
    assert laps.timings().unaccounted_s == 0.0
