"""`emini-rag rollback` as it is typed. What it does is in tests/e2e/test_deploy.py."""

from dataclasses import asdict
from pathlib import Path

from ops.rollout import pointer
from ops.rollout.journal import Journal, Records
from ops.rollout.pointer import Pointer, Version
from tests.unit.cli.conftest import Shell


def test_it_tells_what_it_would_do(shell: Shell, records: Records, tmp_path: Path) -> None:
    old, new = Version("a" * 40, str(tmp_path), 1), Version("b" * 40, str(tmp_path / "b"), 1)
    pointer.write(records.folder, Pointer(new, old))
    records.log(1e9, "kept", id="deploy-1", old=asdict(old), new=asdict(new), checkpoint="deploy-1")
    told = shell("rollback", "--dry-run")
    assert told.exit_code == 0, told.output
    assert f"{'b' * 12} -> {'a' * 12} (what ran before deploy-1" in told.stdout
    assert "documents: stay as they are" in told.stdout
    assert "Nothing was done" in told.stdout
    assert pointer.read(records.folder) == Pointer(new, old)


def test_without_a_deploy_there_is_no_way_back(shell: Shell, records: Records, tmp_path: Path) -> None:
    pointer.write(records.folder, Pointer(Version("a" * 40, str(tmp_path), 1)))
    told = shell("rollback")
    assert told.exit_code == 2
    assert "Nothing was deployed here" in told.stderr


def test_a_deploy_that_did_not_end_comes_first(shell: Shell, records: Records) -> None:
    records.write(Journal("deploy-1", "x", 1.0, "c" * 40, 60.0))
    told = shell("rollback")
    assert told.exit_code == 1
    assert "--abandon" in told.stderr
