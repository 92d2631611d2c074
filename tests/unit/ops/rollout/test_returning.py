"""The way back is told before it is gone, needs no documents unless it must, and can be gone on with."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from ops.checkpoint.manifest import ANSWERS, NAME, Manifest
from ops.rollout.pointer import Version
from ops.rollout.returning import Plan, Planner, Returning
from service.cli.failures import Failure
from tests.fakes.rollout import NEW, OLD
from tests.unit.ops.rollout.stand import Stand


def kept(stand: Stand, old: Version = OLD, new: Version = NEW, name: str = "deploy-1") -> None:
    """`new` was deployed over `old` and runs."""
    stand.records.log(5.0, "kept", id=name, old=asdict(old), new=asdict(new), checkpoint=name)
    stand.host.runs = stand.host.kept = new


def checkpoint(stand: Stand, name: str, *, schema: int = 1, code: dict[str, Any] | None = None) -> None:
    folder = stand.archive.folder / name
    folder.mkdir(parents=True)
    made = Manifest(name, 1.0, "production", "here", code=code, schema={"checkpoint": 1, "corpus": schema})
    (folder / NAME).write_text(made.text())
    (folder / ANSWERS).write_text('{"top_k": 5, "questions": []}')


def plan(stand: Stand, name: str = "", *, documents: bool = False) -> Plan:
    return Planner(stand.host, stand.records, stand.archive).plan(name, id="rollback-1", documents=documents)


def back(stand: Stand, name: str = "", *, documents: bool = False) -> None:
    Returning(stand.ways, plan(stand, name, documents=documents)).run()


def test_the_last_deploy_is_taken_back_and_the_documents_stay(rollout: Stand) -> None:
    kept(rollout)
    wanted = plan(rollout)
    assert (wanted.target, wanted.checkpoint) == (OLD, "")
    told = "\n".join(wanted.told())
    assert f"{NEW.short} -> {OLD.short} (what ran before deploy-1" in told
    assert "documents: stay as they are" in told
    assert rollout.host.calls == ["prepare"]
    back(rollout)
    assert rollout.host.runs == rollout.host.kept == OLD
    assert (rollout.ways.restored, rollout.ways.states) == ([], ["before-rollback-1"])
    assert (rollout.events[-1], rollout.marks) == ("rollback", ["rollback"])


@pytest.fixture(autouse=True)
def old_is_prepared(rollout: Stand) -> None:
    """Its files have been removed since: they are laid out again."""
    rollout.host.prepared = OLD


@pytest.mark.parametrize("knows", [True, False])
def test_what_is_away_already_does_not_stand_in_the_way(rollout: Stand, knows: bool) -> None:
    """Nor does it when what runs cannot say any more."""
    kept(rollout)
    rollout.fake.away, rollout.fake.unready = {"ollama"}, "" if knows else "sqlite"
    rollout.host.comes_up = lambda _: setattr(rollout.fake, "unready", "")
    back(rollout)
    assert rollout.host.runs == rollout.host.kept == OLD
    assert "away" in rollout.said.getvalue()


def test_what_was_taken_back_is_not_gone_back_to(rollout: Stand) -> None:
    kept(rollout)
    back(rollout)
    with pytest.raises(Failure, match="Nothing was deployed here"):
        plan(rollout)


def test_a_deploy_or_a_checkpoint_can_be_named(rollout: Stand) -> None:
    kept(rollout)
    assert plan(rollout, "deploy-1").target == OLD
    checkpoint(rollout, "monday", code={"commit": OLD.commit, "dirty": False})
    assert plan(rollout, "monday").because == "as checkpoint monday says"
    checkpoint(rollout, "patched", code={"commit": OLD.commit, "dirty": True})
    with pytest.raises(Failure, match="cannot be had"):
        plan(rollout, "patched")
    checkpoint(rollout, "silent")
    with pytest.raises(Failure, match="does not say"):
        plan(rollout, "silent")
    with pytest.raises(Failure, match="no checkpoint nothing"):
        plan(rollout, "nothing")
    (rollout.archive.folder / "monday" / NAME).write_text("{}")
    with pytest.raises(Failure, match="damaged"):
        plan(rollout, "monday")


def test_a_newer_schema_takes_the_documents_of_then(rollout: Stand) -> None:
    kept(rollout, new=replace(NEW, schema=2))
    checkpoint(rollout, "deploy-1")
    told = "\n".join(plan(rollout).told())
    assert "documents: those of checkpoint deploy-1; what was added since is in before-rollback-1" in told
    back(rollout)
    assert rollout.ways.restored == ["deploy-1"]
    assert rollout.host.runs == OLD


def test_a_newer_schema_without_older_documents_is_refused_before_anything(rollout: Stand) -> None:
    kept(rollout, new=replace(NEW, schema=2))
    checkpoint(rollout, "deploy-1", schema=2)
    with pytest.raises(Failure, match="no documents that version") as failed:
        plan(rollout)
    assert "has schema 2" in failed.value.why
    assert rollout.host.runs.schema == 2
    assert rollout.events == ["kept"]


def test_documents_can_be_wished_for_and_the_same_version_needs_them(rollout: Stand) -> None:
    kept(rollout)
    checkpoint(rollout, "deploy-1")
    assert plan(rollout, documents=True).checkpoint == "deploy-1"
    rollout.host.kept = OLD
    with pytest.raises(Failure, match="runs already"):
        plan(rollout, "deploy-1")
    assert plan(rollout, "deploy-1", documents=True).target == OLD


def test_a_target_that_does_not_come_up_leaves_what_runs(rollout: Stand) -> None:
    kept(rollout)
    rollout.host.fails = {OLD.place}
    with pytest.raises(Failure, match="It was not rolled back"):
        back(rollout)
    assert rollout.host.runs == rollout.host.kept == NEW
    assert rollout.events[-1] == "rollback failed"


def test_documents_that_cannot_be_had_leave_what_runs(rollout: Stand) -> None:
    kept(rollout, new=replace(NEW, schema=2))
    checkpoint(rollout, "deploy-1")
    rollout.ways.unrestorable = {"deploy-1"}
    with pytest.raises(Failure, match="deploy-1 was not restored"):
        back(rollout)
    assert rollout.host.runs.place == NEW.place


def test_old_documents_under_an_old_version_that_is_not_well_stay_for_people_to_see(rollout: Stand) -> None:
    kept(rollout, new=replace(NEW, schema=2))
    checkpoint(rollout, "deploy-1")
    rollout.host.comes_up = lambda _: rollout.fake.broken.add("/v1/chat/completions")
    with pytest.raises(Failure, match="not well"):
        back(rollout)
    assert rollout.host.runs == OLD


def test_a_service_that_is_broken_can_be_taken_back_too(rollout: Stand) -> None:
    kept(rollout)
    rollout.fake.broken = {"/documents"}
    rollout.host.comes_up = lambda _: rollout.fake.broken.clear()
    back(rollout)
    assert rollout.host.runs == OLD


def test_an_interrupted_one_is_gone_on_with_by_its_own_plan(rollout: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(rollout)
    wanted = plan(rollout)

    class Killed(BaseException):
        """As kill -9."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(rollout.host, "confirm", die)
        with pytest.raises(Killed):
            Returning(rollout.ways, wanted).run()
    planner = Planner(rollout.host, rollout.records, rollout.archive)
    assert planner.begun() == wanted
    Returning(rollout.ways, wanted).run()
    assert rollout.ways.states == ["before-rollback-1"]
    assert rollout.host.calls.count(f"up {OLD.place}") == 1
    assert planner.begun() is None
    (rollout.records.folder / "rollback.json").write_text(json.dumps([]))
    with pytest.raises(Failure, match="cannot be read"):
        planner.begun()
