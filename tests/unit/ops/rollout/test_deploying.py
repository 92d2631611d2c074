"""A deploy step by step: kept when it is as good, taken back when it is not, gone on with wherever it was cut off."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops.rollout.deploying import PIN, STEPS, Deploying, told
from ops.rollout.journal import Journal, Records
from ops.rollout.pointer import Version
from service.cli.failures import Failure
from tests.fakes.deployed_service import FakeDeployedService
from tests.fakes.rollout import NEW, OLD
from tests.unit.ops.rollout.stand import Stand


class Killed(BaseException):
    """As kill -9: nothing is done about it."""


def worse(stand: Stand, change: Callable[[FakeDeployedService], None]) -> None:
    """The new version answers otherwise than the old one."""

    def comes_up(version: Version) -> None:
        if version == NEW:
            change(stand.fake)
        else:
            stand.fake.took_s, stand.fake.mode = 0.5, "generated"
            stand.fake.broken.clear()
            stand.fake.documents = ["d1", "d2"]

    stand.host.comes_up = comes_up


def test_as_good_it_is_kept_and_every_step_was_told_before(rollout: Stand) -> None:
    journal = rollout.journal()
    assert Deploying(rollout.ways, journal).run()
    assert rollout.host.calls == ["prepare", f"up {NEW.place} on trial", f"confirm {NEW.place}"]
    assert (rollout.ways.states, rollout.marks) == (["deploy-1"], ["up", "kept"])
    assert rollout.events == ["on trial", "kept"]
    kept = rollout.records.logged()[-1]
    assert (kept["old"]["place"], kept["new"]["place"], kept["checkpoint"]) == (OLD.place, NEW.place, "deploy-1")
    assert kept["note"] == "a note"
    assert any("small" in one for one in kept["verdict"])
    assert rollout.records.journal() is None
    assert rollout.archive.pins() == {PIN: "deploy-1"}
    said = rollout.said.getvalue()
    places = [said.index(f"{number}/8 {name}:") for number, name in enumerate(STEPS, start=1)]
    assert places == sorted(places)


def slow(fake: FakeDeployedService) -> None:
    fake.took_s = 2.0


def quoting(fake: FakeDeployedService) -> None:
    fake.mode = "extractive"


def forgetful(fake: FakeDeployedService) -> None:
    fake.documents = ["d1"]


def failing(fake: FakeDeployedService) -> None:
    fake.broken = {"/ask"}


@pytest.mark.parametrize(
    ("change", "why"),
    [(slow, "small"), (quoting, "extractive"), (forgetful, "1 missing"), (failing, "is now failed")],
)
def test_worse_it_is_taken_back_and_says_why(
    rollout: Stand, change: Callable[[FakeDeployedService], None], why: str
) -> None:
    worse(rollout, change)
    journal = rollout.journal()
    assert not Deploying(rollout.ways, journal).run()
    assert rollout.host.runs == rollout.host.kept == OLD
    assert rollout.marks == ["up", "rolled_back"]
    assert rollout.events == ["on trial", "rolled back"]
    assert why in rollout.records.logged()[-1]["verdict"][0]
    assert rollout.ways.restored == []
    assert rollout.records.journal() is None


def test_what_does_not_come_up_is_taken_back(rollout: Stand) -> None:
    rollout.host.fails = {NEW.place}
    assert not Deploying(rollout.ways, rollout.journal()).run()
    assert rollout.events == ["on trial", "rolled back"]
    # The old one came back by itself.
    assert rollout.host.calls == ["prepare", f"up {NEW.place} on trial", f"confirm {OLD.place}"]


def test_what_cannot_be_prepared_changes_nothing(rollout: Stand) -> None:
    rollout.host.fails = {"b" * 40}
    with pytest.raises(Failure, match="cannot be started"):
        Deploying(rollout.ways, rollout.journal()).run()
    assert (rollout.events, rollout.marks, rollout.ways.states) == (["not begun"], [], [])
    assert rollout.records.journal() is None


@pytest.mark.parametrize(
    ("prepared", "present", "why"),
    [
        (replace(NEW, schema=99), OLD, "too new for this checkout"),
        (NEW, replace(OLD, schema=2), "cannot read the documents"),
        (NEW, NEW, "runs already"),
    ],
)
def test_what_could_not_be_undone_or_done_is_refused_before_anything(
    rollout: Stand, prepared: Version, present: Version, why: str
) -> None:
    rollout.host.prepared, rollout.host.kept = prepared, present
    with pytest.raises(Failure, match=why):
        Deploying(rollout.ways, rollout.journal()).run()
    assert [call for call in rollout.host.calls if call != "prepare"] == []


def test_a_newer_schema_is_taken_back_with_the_documents_of_before(
    rollout: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.rollout.deploying.SCHEMA_VERSION", 2)
    rollout.host.prepared = replace(NEW, schema=2)
    rollout.host.comes_up = lambda version: setattr(rollout.fake, "took_s", 2.0 if version.schema == 2 else 0.5)
    assert not Deploying(rollout.ways, rollout.journal()).run()
    assert rollout.ways.restored == ["deploy-1"]
    assert "before-rollback-deploy-1" in rollout.ways.states
    assert rollout.host.runs == OLD


class FullDisk(Records):
    """From the trial on nothing can be noted any more."""

    full = False

    def put(self, name: str, told: dict[str, Any]) -> None:
        if self.full:
            raise Failure(f"{name} cannot be written", "No space left on device")
        super().put(name, told)

    def log(self, at: float, event: str, **more: Any) -> None:
        if self.full:
            raise Failure("the log cannot be written", "No space left on device")
        super().log(at, event, **more)


def test_on_a_full_disk_the_old_version_comes_back_all_the_same(rollout: Stand) -> None:
    records = FullDisk(rollout.records.folder)
    rollout.ways.records = records
    rollout.host.comes_up = lambda version: setattr(records, "full", True)
    with pytest.raises(Failure, match="cannot be written"):
        Deploying(rollout.ways, rollout.journal()).run()
    assert rollout.host.runs == rollout.host.kept == OLD
    # Not noted to the end, so it can be gone on with once there is room.
    records.full = False
    rollout.host.comes_up = lambda _: None
    left = records.journal()
    assert left is not None
    Deploying(rollout.ways, left).give_up("no room")
    assert (rollout.host.runs, rollout.host.kept) == (OLD, OLD)
    assert (rollout.events[-1], records.journal()) == ("rolled back", None)


def test_going_back_that_fails_can_be_gone_on_with(rollout: Stand) -> None:
    worse(rollout, slow)
    rollout.host.fails = {OLD.place}
    with pytest.raises(Failure, match="Going back to aaaaaaaaaaaa failed") as failed:
        Deploying(rollout.ways, rollout.journal()).run()
    assert "--resume" in failed.value.todo
    assert rollout.events[-1] == "could not go back"
    left = rollout.records.journal()
    assert left is not None
    rollout.host.fails = set()
    assert not Deploying(rollout.ways, left).run()
    assert rollout.events[-1] == "rolled back"


def test_an_old_version_that_is_not_as_before_is_told_and_runs_all_the_same(rollout: Stand) -> None:
    def comes_up(version: Version) -> None:
        rollout.fake.documents = ["d1"]

    rollout.host.comes_up = comes_up
    assert not Deploying(rollout.ways, rollout.journal()).run()
    assert (rollout.host.runs, rollout.events[-1]) == (OLD, "rolled back")
    assert "is not as before: documents" in rollout.records.logged()[-1]["verdict"][-1]


def test_stopped_by_the_operator_it_goes_back_and_says_so(rollout: Stand) -> None:
    def stop(version: Version) -> None:
        if version == NEW:
            raise KeyboardInterrupt

    rollout.host.comes_up = stop
    with pytest.raises(KeyboardInterrupt):
        Deploying(rollout.ways, rollout.journal()).run()
    assert rollout.host.runs == OLD
    assert "stopped by the one who began it" in rollout.records.logged()[-1]["verdict"][0]


def killed_at(stand: Stand, step: str, monkeypatch: pytest.MonkeyPatch, *, after: bool = False) -> Journal:
    """A deploy that was killed in the step, or just after its work; what it left."""
    from ops.rollout.journal import Records

    work, write, log = Deploying._work, Records.write, Records.log
    dead = False

    def dying(self: Deploying, name: str) -> Callable[[], None]:
        def die() -> None:
            nonlocal dead
            if after:
                work(self, name)()
            dead = True
            raise Killed

        return die if name == step else work(self, name)

    def writing(self: Records, journal: Journal) -> None:
        if not dead:
            write(self, journal)

    def logging(self: Records, at: float, event: str, **more: Any) -> None:
        if not dead:
            log(self, at, event, **more)

    def nothing(*_: Any, **__: Any) -> None:
        if not dead:
            raise AssertionError("only the dead do nothing")

    with monkeypatch.context() as patched:
        patched.setattr(Deploying, "_work", dying)
        patched.setattr(Records, "write", writing)
        patched.setattr(Deploying, "_back", nothing)
        patched.setattr(Records, "close", nothing)
        patched.setattr(Records, "log", logging)
        with pytest.raises(Killed):
            Deploying(stand.ways, stand.journal()).run()
    left = stand.records.journal()
    assert left is not None
    return left


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS[:-1])
@pytest.mark.parametrize("change", [slow, lambda _: None], ids=["worse", "as good"])
def test_killed_anywhere_it_ends_as_it_would_have(
    rollout: Stand,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[FakeDeployedService], None],
    step: str,
    after: bool,
) -> None:
    worse(rollout, change)
    left = (
        killed_at(rollout, step, monkeypatch, after=after)
        if not (change is slow and step == "watch" and after)
        else None
    )
    if left is None:
        return
    kept = Deploying(rollout.ways, left).run()
    assert kept == (change is not slow)
    assert rollout.host.runs == rollout.host.kept == (NEW if kept else OLD)
    assert rollout.events[-1] == ("kept" if kept else "rolled back")
    assert rollout.records.journal() is None


def test_a_trial_that_ended_while_nobody_looked_is_not_tried_again(
    rollout: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = killed_at(rollout, "watch", monkeypatch)
    rollout.host.runs = OLD
    assert not Deploying(rollout.ways, left).run()
    assert "did not run any more" in rollout.records.logged()[-1]["verdict"][0]


def test_giving_up_goes_back_if_there_is_anything_to_go_back_from(
    rollout: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    Deploying(rollout.ways, killed_at(rollout, "measure", monkeypatch)).give_up("enough")
    assert (rollout.events, rollout.records.journal()) == (["given up"], None)
    Deploying(rollout.ways, killed_at(rollout, "smoke", monkeypatch)).give_up("enough")
    assert (rollout.host.runs, rollout.events[-1]) == (OLD, "rolled back")


def test_every_step_can_be_told_before_anything_is_known(rollout: Stand) -> None:
    assert all(told(name, rollout.journal()) for name in STEPS)


def test_an_old_version_that_fails_some_questions_may_still_be_replaced(rollout: Stand) -> None:
    rollout.fake.broken = {"/ask", "/v1/chat/completions"}
    rollout.host.comes_up = lambda _: rollout.fake.broken.clear()
    assert Deploying(rollout.ways, rollout.journal()).run()
