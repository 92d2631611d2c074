"""One comparison by replay, from addresses to a report."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ops.compare.files import HTML, PAIRS, RESULT
from ops.compare.measured import Side
from ops.compare.session import Session, Wish, folder_name
from ops.compare.verdict import TOO_LITTLE, Floor
from service.cli.client import ServiceClient
from service.cli.failures import FAILED, UNREACHABLE, USAGE, Failure
from service.cli.surroundings import Surroundings
from service.errors import ErrorKind
from tests.fakes.clock import ManualClock
from tests.fakes.compared_service import ComparedService
from tests.unit.ops.compare.made import body

WISH = Wish(
    queries=None,
    window=None,
    most=40,
    rounds=2,
    warm=1,
    seed=7,
    at_once=1,
    per_s=1e9,
    production_per_s=1.0,
    floor=Floor(),
    cached=False,
    fields={"temperature": 0.0},
)


class Stage:
    """Two services, and sessions between them."""

    def __init__(self, running: ExitStack, folder: Path) -> None:
        self.clock = ManualClock()
        self.folder = folder / "out"
        self.servers = {side: running.enter_context(ComparedService(self.clock, lambda _: body())) for side in Side}
        self.clients = {side: running.enter_context(ServiceClient(self.servers[side].url)) for side in Side}
        self.here = Surroundings(clock=self.clock, pause=lambda _: None)

    def session(self, **changes: object) -> Session:
        return Session(self.here, self.clients, replace(WISH, **changes))  # type: ignore[arg-type]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as running:
        yield Stage(running, tmp_path)


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(f"What is number {number}?" for number in range(8)))
    return path


def test_the_samples_are_asked_past_the_cache_and_a_slower_candidate_is_found(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.servers[Side.CANDIDATE].seconds = lambda _: 1.5
    compared = stage.session().run(stage.folder)
    assert (compared.document.verdict, compared.code) == ("slower", 10)
    assert {json.dumps(one["cache"]) for one in stage.servers[Side.BASELINE].asked} == {
        '{"no-cache": true, "no-store": true}'
    }
    assert len({one["query"] for one in stage.servers[Side.BASELINE].asked}) == 40
    assert len((stage.folder / PAIRS).read_text().splitlines()) == 80
    result = json.loads((stage.folder / RESULT).read_text())
    assert result["judgement"]["slower"] == ["simple"]
    assert result["judgement"]["exit_code"] == 10
    assert result["run"]["ended"] == "done"
    told = capsys.readouterr().err
    assert "40 sample questions: 96 pairs with those to warm up" in told
    assert f"candidate: {stage.servers[Side.CANDIDATE].url} (development, version 0.2.0)" in told


def test_the_cache_may_be_used_and_a_model_named(stage: Stage, queries: Path) -> None:
    stage.session(cached=True, queries=queries, fields={"model": "m"}).run(stage.folder)
    asked = stage.servers[Side.CANDIDATE].asked[0]
    assert "cache" not in asked
    assert asked["model"] == "m"


def test_a_part_of_many_questions_is_drawn(stage: Stage, queries: Path) -> None:
    compared = stage.session(queries=queries, most=3).run(stage.folder)
    assert len({one["query"] for one in stage.servers[Side.BASELINE].asked}) == 3
    assert compared.result["conditions"]["source"] == "3 by lot of 8 questions of mine.txt"


def test_questions_of_the_past_come_from_the_baseline(stage: Stage) -> None:
    stage.servers[Side.BASELINE].recent = [{"at": stage.clock.time() - 5, "question": "Asked before?"}]
    stage.session(window="1h").run(stage.folder)
    assert {one["query"] for one in stage.servers[Side.CANDIDATE].asked} == {"Asked before?"}


def test_without_questions_no_folder_is_left(stage: Stage) -> None:
    with pytest.raises(Failure, match="was asked nothing"):
        stage.session(window="1h").run(stage.folder)
    assert not stage.folder.exists()


def test_an_instance_gone_is_told_with_what_was_measured(stage: Stage, queries: Path) -> None:
    stage.servers[Side.CANDIDATE].gone_after = 6
    compared = stage.session(queries=queries).run(stage.folder)
    assert compared.code == UNREACHABLE
    url = stage.servers[Side.CANDIDATE].url
    assert compared.document.summary[0].startswith(f"The candidate at {url} went away after 6 of 17 pairs (")
    assert len((stage.folder / PAIRS).read_text().splitlines()) == 5


def test_one_that_turns_questions_away_is_left_in_peace(stage: Stage, queries: Path) -> None:
    stage.servers[Side.BASELINE].refusals.extend([ErrorKind.OVERLOADED] * 20)
    compared = stage.session(queries=queries).run(stage.folder)
    assert compared.code == UNREACHABLE
    assert "so as not to be in the way of others" in compared.document.summary[0]


def test_too_little_has_a_code_of_its_own(stage: Stage, queries: Path) -> None:
    assert stage.session(queries=queries, rounds=1).run(stage.folder).code == TOO_LITTLE


def test_production_is_asked_slowly_unless_it_is_allowed(stage: Stage) -> None:
    stage.servers[Side.BASELINE].about["environment"] = "production"
    with pytest.raises(Failure, match="would be asked too fast") as caught:
        stage.session(per_s=5.0)
    assert (caught.value.code, caught.value.why) == (
        USAGE,
        "5 questions a second are wished, 1 are allowed to production",
    )
    assert "--production-rate" in caught.value.todo
    with pytest.raises(Failure, match="would be asked too fast") as caught:
        stage.session(per_s=None, at_once=3)
    assert caught.value.why == "3 askers are wished, 2 are allowed to production"
    assert caught.value.todo == "Name at most 2 --askers."
    assert stage.session(per_s=5.0, production_per_s=5.0)._per_s[Side.BASELINE] == 5.0
    assert stage.session(per_s=None)._per_s == {Side.BASELINE: 1.0, Side.CANDIDATE: 2.0}
    assert stage.servers[Side.BASELINE].asked == []


def test_the_same_instance_twice_is_told(stage: Stage, queries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stage.clients[Side.CANDIDATE] = stage.clients[Side.BASELINE]
    stage.session(queries=queries).run(stage.folder)
    assert "Both are the same instance" in capsys.readouterr().err


def test_the_same_instance_is_not_asked_twice_as_fast(stage: Stage, queries: Path) -> None:
    stage.clients[Side.CANDIDATE] = stage.clients[Side.BASELINE]
    stage.servers[Side.BASELINE].seconds = lambda _: 0.0
    stage.servers[Side.BASELINE].about["environment"] = "production"
    stage.here.pause = stage.clock.advance
    begun = stage.clock.monotonic()
    stage.session(queries=queries, rounds=1, warm=0, per_s=None).run(stage.folder)
    assert len(stage.servers[Side.BASELINE].asked) == 16
    assert stage.clock.monotonic() - begun == pytest.approx(15.0)


def test_two_instances_are_asked_each_at_its_own_pace(stage: Stage, queries: Path) -> None:
    for server in stage.servers.values():
        server.seconds = lambda _: 0.0
    stage.here.pause = stage.clock.advance
    begun = stage.clock.monotonic()
    stage.session(queries=queries, rounds=1, warm=0, per_s=None).run(stage.folder)
    assert stage.clock.monotonic() - begun == pytest.approx(7 / 2)


def test_a_key_that_is_refused_leaves_no_folder_and_one_that_ends_later_a_report(stage: Stage, queries: Path) -> None:
    candidate = stage.servers[Side.CANDIDATE]
    candidate.refusals.append(ErrorKind.UNAUTHORIZED)
    with pytest.raises(Failure, match="Refused"):
        stage.session(queries=queries).run(stage.folder)
    assert not stage.folder.exists()

    def answered(query: str) -> float:
        if len(candidate.asked) == 6:
            candidate.refusals.append(ErrorKind.UNAUTHORIZED)
        return 1.0

    candidate.seconds = answered
    candidate.asked.clear()
    compared = stage.session(queries=queries, warm=0).run(stage.folder)
    assert compared.code == FAILED
    assert compared.document.summary[0].startswith("Ended after 5 of 16 pairs: Refused, because, this is the candidate")
    assert (stage.folder / HTML).exists()


def test_a_folder_is_named_by_its_time() -> None:
    assert folder_name(1_700_000_000.0).startswith("compare-2023111")
