"""The first minute: each way in which a version can be bad is found, and the first bad check is the last."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.checkpoint.live_service import LiveService
from ops.checkpoint.manifest import ANSWERS
from ops.rollout.judging import Judged
from ops.rollout.smoke import Smoke, modes
from service.cli.client import ServiceClient
from tests.fakes.clock import ManualClock
from tests.fakes.deployed_service import FakeDeployedService

QUESTION = "What is a hedge?"


class Smoking:
    """A smoke test of a fake service, with a checkpoint that knows two questions."""

    def __init__(self, folder: Path, fake: FakeDeployedService, client: ServiceClient) -> None:
        self.fake = fake
        self.client = client
        self.folder = folder
        self.before: dict[str, Any] = {
            "documents": ["d1"],
            "modes": {QUESTION: "generated"},
            "away": [],
            "openai": True,
        }
        self.clock = ManualClock()
        self.waits = 0
        questions = [{"text": one, "vector": None, "found": [one], "document": "d1"} for one in ("c1", "c2")]
        (folder / ANSWERS).write_text(json.dumps({"top_k": 5, "questions": questions}))

    def run(self, checkpoint: bool = True) -> list[Judged]:
        folder = self.folder if checkpoint else None
        return list(Smoke(LiveService(self.client), folder, self.before, self.clock, self._wait).run())

    def _wait(self, seconds: float) -> None:
        self.waits += 1
        self.clock.advance(seconds)
        if self.waits == 3:
            self.fake.away.discard("ollama")


@pytest.fixture
def smoking(tmp_path: Path) -> Iterator[Smoking]:
    with FakeDeployedService() as fake, ServiceClient(fake.url, timeout_s=10) as client:
        yield Smoking(tmp_path, fake, client)


def test_a_good_version_passes_every_check(smoking: Smoking) -> None:
    judged = smoking.run()
    assert [one.what for one in judged] == ["ready", "documents", "known questions", "answers", "OpenAI route"]
    assert not any(one.bad for one in judged)
    assert "2 of 2 find" in judged[2].said
    assert smoking.fake.asked == [QUESTION]


@pytest.mark.parametrize(
    ("harm", "what", "why"),
    [
        (lambda fake: setattr(fake, "unready", "sqlite"), "ready", "for want of sqlite"),
        (lambda fake: setattr(fake, "documents", ["d2"]), "documents", "1 missing"),
        (lambda fake: setattr(fake, "found", [["x"], ["c2"]]), "known questions", "1 of 2"),
        (lambda fake: setattr(fake, "mode", "extractive"), "answers", "is now extractive"),
        (lambda fake: fake.broken.add("/ask"), "answers", "is now failed"),
        (lambda fake: fake.broken.add("/documents"), "documents", "It is broken"),
        (lambda fake: fake.broken.add("/v1/chat/completions"), "OpenAI route", "It is broken"),
    ],
)
def test_each_harm_is_found_and_named(
    smoking: Smoking, harm: Callable[[FakeDeployedService], None], what: str, why: str
) -> None:
    harm(smoking.fake)
    judged = smoking.run()
    assert [one.what for one in judged if one.bad] == [what] == [judged[-1].what]
    assert why in judged[-1].said


def test_a_checkpoint_that_cannot_be_read_is_bad_and_no_trace_back(smoking: Smoking) -> None:
    (smoking.folder / ANSWERS).unlink()
    assert "cannot be read" in smoking.run()[-1].said


def test_an_empty_answer_is_none(smoking: Smoking) -> None:
    smoking.fake.content = " "
    assert smoking.run()[-1].what == "answers"
    smoking.before["modes"] = {}
    assert "empty answer" in smoking.run()[-1].said


def test_what_takes_seconds_to_be_taken_up_is_waited_for(smoking: Smoking) -> None:
    smoking.fake.away = {"ollama"}
    assert not smoking.run()[0].bad
    assert smoking.waits == 3


def test_what_stays_away_is_bad_unless_it_was_away_before(smoking: Smoking) -> None:
    smoking.fake.away, smoking.waits = {"ollama"}, 100
    assert "without what the version before had: ollama" in smoking.run()[-1].said
    smoking.before["away"] = ["ollama"]
    assert "away, as before: ollama" in smoking.run()[0].said


def test_what_did_not_work_before_is_not_asked_for(smoking: Smoking) -> None:
    smoking.before |= {"openai": False, "modes": {QUESTION: "failed"}}
    smoking.fake.broken = {"/v1/chat/completions", "/ask"}
    assert not any(one.bad for one in smoking.run(checkpoint=False))


def test_a_version_that_cannot_search_without_a_model_is_not_bad_for_that(smoking: Smoking) -> None:
    smoking.fake.broken = {"no /checkpoint/search"}
    judged = smoking.run()
    assert "not asked" in judged[2].said
    assert not any(one.bad for one in judged)


def test_how_each_question_is_answered(smoking: Smoking) -> None:
    assert modes(smoking.client, ["a", "b"]) == {"a": "generated", "b": "generated"}
    smoking.fake.broken = {"/ask"}
    assert modes(smoking.client, ["a"]) == {"a": "failed"}
