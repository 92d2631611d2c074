"""Asking both, and keeping what was measured however it ends."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ops.compare.instance import Instance
from ops.compare.measured import Lost, Pair, Side
from ops.compare.pace import Pace
from ops.compare.plan import Asked, Step, plan
from ops.compare.replaying import Ended, Outcome, Replaying
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.errors import ErrorKind
from tests.fakes.clock import ManualClock
from tests.fakes.compared_service import ComparedService
from tests.unit.ops.compare.made import body

QUESTIONS = [Asked(f"question {number}", "simple") for number in range(6)]


class Stage:
    """Two services and what becomes of asking them. `pauses` logs waits, `told` counts of steps done."""

    def __init__(self, running: ExitStack) -> None:
        self.clock = ManualClock()
        self.servers = {side: running.enter_context(ComparedService(self.clock, lambda _: body())) for side in Side}
        clients = {side: running.enter_context(ServiceClient(self.servers[side].url)) for side in Side}
        self.instances = {side: Instance(side, clients[side], {}, self.clock) for side in Side}
        self.pauses: list[float] = []
        self.kept: list[Pair] = []
        self.told: list[int] = []

    def replaying(self, steps: list[Step], at_once: int = 1) -> Replaying:
        paces = {side: Pace(1e9, self.clock, lambda _: None) for side in Side}
        return Replaying(
            self.instances,
            QUESTIONS,
            steps,
            paces,
            at_once=at_once,
            keep=self.kept.append,
            advance=self.told.append,
            pause=self.pauses.append,
        )

    def run(self, rounds: int = 2, warm: int = 1) -> Outcome:
        return self.replaying(plan(QUESTIONS, rounds, warm, 7)).run()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ExitStack() as running:
        yield Stage(running)


def test_every_step_is_asked_of_both_and_warm_ones_are_not_measured(stage: Stage) -> None:
    stage.servers[Side.CANDIDATE].seconds = lambda _: 2.0
    outcome = stage.run()
    assert (outcome.ended, outcome.who, outcome.warmed, len(outcome.pairs)) == (Ended.DONE, None, 1, 12)
    assert stage.kept == outcome.pairs
    assert stage.told == list(range(1, 14))
    for side, server in stage.servers.items():
        assert len(server.asked) == 13, side
    assert {one.seconds for pair in outcome.pairs for one in pair.both()} == {1.0, 2.0}
    assert all(pair.both()[1].seconds == 2.0 for pair in outcome.pairs)


def test_who_is_first_is_asked_first(stage: Stage) -> None:
    order: list[Side] = []
    for side, server in stage.servers.items():
        server.seconds = lambda _, side=side: order.append(side) or 1.0
    steps = plan(QUESTIONS, 2, 0, 7)
    stage.replaying(steps).run()
    assert order[::2] == [step.first for step in steps]
    assert order[1::2] == [step.first.other for step in steps]


def test_a_failure_is_part_of_what_is_measured(stage: Stage) -> None:
    stage.servers[Side.CANDIDATE].refusals.append(ErrorKind.TIMEOUT)
    outcome = stage.run(warm=0)
    lost = [pair.candidate for pair in outcome.pairs if isinstance(pair.candidate, Lost)]
    assert [one.kind for one in lost] == ["timeout"]
    assert len(outcome.pairs) == 12


@pytest.mark.parametrize("side", list(Side))
def test_an_instance_that_goes_away_is_looked_for_and_ends_it(stage: Stage, side: Side) -> None:
    stage.servers[side].gone_after = 5
    outcome = stage.run(warm=0)
    assert (outcome.ended, outcome.who, len(outcome.pairs)) == (Ended.GONE, side, 5)
    assert "broke off" in outcome.why
    assert stage.pauses == [1.0, 1.0]


def test_one_that_comes_back_goes_on(stage: Stage) -> None:
    server = stage.servers[Side.CANDIDATE]
    server.gone_after = 5

    def back(seconds: float) -> None:
        stage.pauses.append(seconds)
        server.gone, server.gone_after = False, None

    replaying = stage.replaying(plan(QUESTIONS, 2, 0, 7))
    replaying._pause = back
    outcome = replaying.run()
    assert (outcome.ended, len(outcome.pairs)) == (Ended.DONE, 12)
    assert sum(isinstance(pair.candidate, Lost) for pair in outcome.pairs) == 1
    assert stage.pauses == [1.0]


def test_turning_questions_away_again_and_again_ends_it(stage: Stage) -> None:
    stage.servers[Side.BASELINE].refusals.extend([ErrorKind.OVERLOADED] * 9)
    outcome = stage.run(warm=0)
    assert (outcome.ended, outcome.who) == (Ended.BUSY, Side.BASELINE)
    assert (len(stage.servers[Side.BASELINE].asked), len(stage.pauses)) == (5, 4)


def test_turning_some_away_does_not(stage: Stage) -> None:
    stage.servers[Side.BASELINE].refusals.extend([ErrorKind.OVERLOADED] * 4)
    outcome = stage.run(warm=0)
    assert (outcome.ended, len(outcome.pairs), len(stage.pauses)) == (Ended.DONE, 12, 4)


def test_only_turning_away_in_a_row_counts(stage: Stage) -> None:
    server = stage.servers[Side.BASELINE]

    def seconds(_: str) -> float:
        if len(server.asked) % 4:
            server.refusals.append(ErrorKind.OVERLOADED)
        return 1.0

    server.seconds = seconds
    outcome = stage.run(warm=0)
    assert (outcome.ended, len(outcome.pairs), len(stage.pauses)) == (Ended.DONE, 12, 9)


def test_what_will_not_change_is_raised(stage: Stage) -> None:
    stage.servers[Side.CANDIDATE].refusals.append(ErrorKind.UNAUTHORIZED)
    with pytest.raises(Failure, match="Refused"):
        stage.run()
    assert sum(len(server.asked) for server in stage.servers.values()) <= 2


def test_what_is_refused_later_keeps_what_was_measured(stage: Stage) -> None:
    def kept(pair: Pair) -> None:
        stage.kept.append(pair)
        stage.servers[Side.CANDIDATE].refusals.append(ErrorKind.UNAUTHORIZED)

    replaying = stage.replaying(plan(QUESTIONS, 2, 0, 7))
    replaying._keep = kept
    outcome = replaying.run()
    assert (outcome.ended, outcome.pairs) == (Ended.REFUSED, stage.kept)
    assert outcome.why == f"Refused, because, this is the candidate, at {stage.servers[Side.CANDIDATE].url}"


def test_each_question_waits_for_its_turn(stage: Stage) -> None:
    replaying = stage.replaying(plan(QUESTIONS, 1, 0, 7))
    waits: list[float] = []
    replaying._paces = {side: Pace(0.25, stage.clock, waits.append) for side in Side}
    replaying.run()
    # Two seconds of asking pass between turns that come every four; the clock does not move by waiting.
    assert len(waits) == 10
    assert max(waits) == pytest.approx(10.0)


def test_stopping_keeps_what_was_measured(stage: Stage) -> None:
    replaying = stage.replaying(plan(QUESTIONS, 2, 0, 7))
    begun = threading.Event()

    def interrupted(timeout: float | None = None) -> bool:
        """As Ctrl-C while the main thread waits."""
        begun.wait(5)
        raise KeyboardInterrupt

    def kept(pair: Pair) -> None:
        stage.kept.append(pair)
        if len(stage.kept) == 3:
            begun.set()

    replaying._keep = kept
    replaying._over.wait = interrupted  # type: ignore[method-assign]
    outcome = replaying.run()
    count = len(outcome.pairs)
    assert outcome.ended is Ended.STOPPED
    assert count >= 3
    assert outcome.pairs == stage.kept[:count]


def test_several_askers_ask_each_step_once(stage: Stage) -> None:
    outcome = stage.replaying(plan(QUESTIONS, 4, 1, 7), at_once=4).run()
    assert len(outcome.pairs) == 24
    assert sorted((pair.question, pair.round) for pair in outcome.pairs) == [(q, r) for q in range(6) for r in range(4)]
