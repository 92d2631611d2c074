"""Figures of the last minutes."""

import pytest

from service.cache.port import CacheResult
from service.monitoring.live import STEP_S, STEPS, LiveSteps
from service.monitoring.port import QueryRecord
from tests.fakes.clock import ManualClock
from tests.unit.monitoring.records import MODEL, hit, warm

SPOKEN = {"queue": 0.0, "load": 0.0, "prompt_eval": 0.1, "eval": 2.0}


class Charted:
    def __init__(self) -> None:
        self.clock = ManualClock(time=1_700_000_010.0)
        self.steps = LiveSteps(self.clock)

    def add(self, *records: QueryRecord, failed: bool = False) -> None:
        for record in records:
            self.steps.add(record, failed=failed)


def test_before_the_first_question_there_are_gaps_of_the_right_number() -> None:
    figures = Charted().steps.read()
    assert (list(figures.asked), list(figures.hit_ratio)) == ([0] * STEPS, [None] * STEPS)
    assert (figures.latency, figures.tokens_per_s) == ({}, {})
    assert figures.from_at == 1_700_000_010.0 // STEP_S * STEP_S - (STEPS - 1) * STEP_S


def test_each_step_has_its_own_figures() -> None:
    charted = Charted()
    charted.add(warm(duration_s=2.0, phases=SPOKEN, output_tokens=80), warm(duration_s=4.0))
    charted.clock.advance(2 * STEP_S)
    charted.add(warm(duration_s=1.0, phases=SPOKEN, output_tokens=20), hit(), hit())
    figures = charted.steps.read()
    assert list(figures.asked[-3:]) == [2, 0, 3]
    assert list(figures.latency[MODEL][-3:]) == [3.0, None, 1.0]
    assert list(figures.tokens_per_s[MODEL][-3:]) == [40.0, None, 10.0]
    assert list(figures.hit_ratio[-3:]) == [0.0, None, pytest.approx(2 / 3)]


def test_failures_are_asked_and_nothing_else() -> None:
    charted = Charted()
    charted.add(warm(duration_s=60.0), failed=True)
    figures = charted.steps.read()
    assert (figures.asked[-1], figures.latency) == (1, {})


def test_bypassing_and_shared_answers_are_no_lookups_in_vain() -> None:
    charted = Charted()
    charted.add(warm(cache=CacheResult.BYPASS), warm(cache=CacheResult.COALESCED), warm(cache=None))
    assert charted.steps.read().hit_ratio[-1] is None


def test_what_is_older_goes() -> None:
    charted = Charted()
    charted.add(warm())
    for _ in range(3 * STEPS):
        charted.clock.advance(STEP_S)
        charted.add(hit())
    figures = charted.steps.read()
    assert figures.latency == {}
    assert len(figures.asked) == STEPS
    charted.clock.advance(10 * STEPS * STEP_S)
    assert list(charted.steps.read().asked) == [0] * STEPS


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    charted = Charted()
    charted.add(warm())
    charted.clock.set_time(1_600_000_000.0)
    charted.add(warm())
    assert charted.steps.read().asked[-1] == 2


def test_quoted_answers_have_a_line_of_their_own() -> None:
    charted = Charted()
    charted.add(warm(model=None, duration_s=0.1))
    assert charted.steps.read().latency["none"][-1] == 0.1
