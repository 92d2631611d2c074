"""What was done is on the disk before anything goes on; the log only grows."""

import json
import os
from pathlib import Path

import pytest

from ops.rollout.journal import Journal, Records, who
from ops.rollout.pointer import Version
from service.cli.failures import Failure


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "rollout")


def journal() -> Journal:
    return Journal("deploy-1", "somebody", 5.0, "main", 600.0, old=Version("a", "/a", 1), done=["prepare"], doing="old")


def test_a_journal_comes_back_and_its_end_is_an_end(records: Records) -> None:
    assert records.journal() is None
    with records.alone():
        records.write(journal())
        assert records.journal() == journal()
        records.close()
        assert records.journal() is None


def test_fields_of_a_later_version_are_passed_over(records: Records) -> None:
    with records.alone():
        records.write(journal())
    path = records.folder / "journal.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "blue"}))
    assert records.journal() == journal()


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_journal_that_cannot_be_read_is_not_nothing(records: Records, text: str) -> None:
    with records.alone():
        (records.folder / "journal.json").write_text(text)
    with pytest.raises(Failure, match="cannot be read"):
        records.journal()


def test_one_at_a_time_and_the_second_is_told_who_is_first(records: Records) -> None:
    with records.alone(), pytest.raises(Failure) as caught, Records(records.folder).alone():
        pass
    assert f"process {os.getpid()} of " in caught.value.why
    with records.alone():
        pass


def test_the_log_only_grows_and_survives_half_a_line(records: Records) -> None:
    assert records.logged() == []
    records.log(1.0, "kept", id="a")
    path = records.folder / "log.jsonl"
    with path.open("a") as log:
        log.write('{"at": 2, "ev')
    records.log(3.0, "rolled back", id="b")
    records.log(4.0, "kept", id="c")
    assert [(one["at"], one["event"], one["id"]) for one in records.logged()] == [
        (1.0, "kept", "a"),
        (3.0, "rolled back", "b"),
        (4.0, "kept", "c"),
    ]
    assert all(one["who"] == who() for one in records.logged())
    assert path.stat().st_mode & 0o077 == 0


def test_what_cannot_be_written_is_a_failure_and_what_was_there_stays(records: Records) -> None:
    with records.alone():
        records.write(journal())
    (records.folder / "log.jsonl").mkdir()
    (records.folder / "plan.json").mkdir()
    for write in (lambda: records.log(1.0, "kept"), lambda: records.put("plan.json", {"a": 1})):
        with pytest.raises(Failure, match="cannot be written"):
            write()
    assert records.journal() == journal()
    assert list(records.folder.glob(".plan*")) == []


def test_who_called_sudo_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    assert "(called by alice)" in who()


def test_what_runs_is_touched_from_the_step_up_on() -> None:
    one = journal()
    assert not one.changed_something
    one.doing = "up"
    assert one.changed_something
    one.doing, one.done = "smoke", ["up"]
    assert one.changed_something
    with pytest.raises(RuntimeError):
        assert one.version
    assert one.version_before.place == "/a"
