"""A version is watched until its time is over, or until it is certain that it is worse."""

from collections.abc import Iterator

import pytest

from ops.checkpoint.live_service import LiveService
from ops.rollout.evidence import Past, Seen
from ops.rollout.judging import Judged
from ops.rollout.watching import Pace, Watching
from prometheus.thresholds import load
from service.cli.client import ServiceClient
from tests.fakes.clock import ManualClock
from tests.fakes.deployed_service import FakeDeployedService

QUESTIONS = ("What is a hedge?", "What is slippage?")
PACE = Pace(rounds=10, per_s=1.0)


class FakePast(Past):
    """Knows no past; `alerts` fire."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", "production", load())
        self.alerts: set[str] = set()

    def firing(self) -> set[str]:
        return self.alerts


class Stand:
    """A watch of a fake service, in which time passes only by waiting, and by answers that take `answer_s`."""

    def __init__(self, fake: FakeDeployedService, client: ServiceClient) -> None:
        self.fake = fake
        self.clock = ManualClock(time=100.0)
        self.past = FakePast()
        self.alive = True
        self.said: list[str] = []
        self.watching = Watching(
            live=LiveService(client),
            past=self.past,
            limits=load(),
            alive=lambda: self.alive,
            before=Seen(40, 0, {"small": [0.5 + 0.01 * (number % 5) for number in range(40)]}),
            usual={},
            quiet=frozenset({"RagOld"}),
            clock=self.clock,
            pause=self._wait,
            say=self.said.append,
        )
        self.answer_s = 0.0
        self._answered = 0

    def watch(self, for_s: float = 60.0) -> list[Judged]:
        return self.watching.watch(100.0, for_s, QUESTIONS, PACE)

    def bad(self, for_s: float = 60.0) -> list[str]:
        return [one.what for one in self.watch(for_s) if one.bad]

    def _wait(self, seconds: float) -> None:
        more = len(self.fake.asked) - self._answered
        self._answered += more
        self.clock.advance(seconds + more * self.answer_s)


@pytest.fixture
def stand() -> Iterator[Stand]:
    with FakeDeployedService() as fake, ServiceClient(fake.url, timeout_s=10) as client:
        yield Stand(fake, client)


def test_as_good_as_before_it_is_watched_to_the_end_and_asked_evenly(stand: Stand) -> None:
    assert stand.bad() == []
    assert 60 <= stand.clock.time() - 100 < 65
    assert len(stand.fake.asked) == 20
    assert set(stand.fake.asked) == set(QUESTIONS)
    assert len(stand.said) == 0 or "failed" in stand.said[0]


def test_slow_it_is_found_before_the_end(stand: Stand) -> None:
    stand.fake.took_s = 1.5
    assert stand.bad() == ["small"]
    assert stand.clock.time() - 100 < 45


def test_slow_enough_to_answer_few_questions_it_is_watched_for_longer(stand: Stand) -> None:
    stand.answer_s = 6.0
    stand.fake.took_s = 0.5
    assert stand.bad() == []
    assert len(stand.fake.asked) == 20
    assert stand.clock.time() - 100 > 100


def test_that_has_an_end_too(stand: Stand) -> None:
    stand.answer_s = 60.0
    judged = stand.watch(10.0)
    assert [one.what for one in judged if one.bad] == ["answers"]
    assert "of our 20 questions" in judged[0].said


def test_failures_end_it(stand: Stand) -> None:
    stand.fake.broken = {"/ask"}
    assert "failures" in stand.bad()


def test_a_version_that_has_ended_is_bad_at_once(stand: Stand) -> None:
    stand.alive = False
    assert stand.bad() == ["process"]
    assert stand.clock.time() == 100.0


def test_one_silence_is_forgiven_and_three_are_not(stand: Stand) -> None:
    stand.fake.unready = "sqlite"
    judged = stand.watch()
    assert [(one.what, one.bad) for one in judged] == [("ready", True)]
    assert "3 times in a row" in judged[0].said


def test_an_alert_that_pages_and_did_not_fire_before_is_a_reason(stand: Stand) -> None:
    stand.past.alerts = {"RagOld"}
    assert stand.bad() == []
    stand.past.alerts = {"RagOld", "RagDown"}
    assert stand.bad() == ["alerts that page"]


def test_a_long_watch_tells_now_and_then_how_it_goes(stand: Stand) -> None:
    stand.watch(300.0)
    assert 3 <= len(stand.said) <= 5
