"""`emini-rag deploy` as it is typed: what it refuses, tells and lists. What it does is in tests/e2e/test_deploy.py."""

import json

import pytest

from ops.rollout.journal import Journal, Records
from ops.stack.site import ROOT
from service.data_folder import DataFolder
from tests.unit.cli.conftest import Shell
from tests.unit.ops.rollout.test_source import git

needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout of git")


def test_nothing_was_deployed_yet(shell: Shell) -> None:
    assert "Nothing was deployed here yet" in shell("deploy", "--log").stdout
    assert json.loads(shell("deploy", "--log", "--json").stdout) == []
    assert "No deploy is left" in shell("deploy", "--resume").stdout


def test_the_log_tells_who_when_what_and_why(shell: Shell, records: Records) -> None:
    old, new = {"commit": "a" * 40}, {"commit": "b" * 40}
    records.log(1e9, "rolled back", id="d", old=old, new=new, checkpoint="deploy-1", verdict=["small: 2.00 times"])
    records.log(1e9, "not begun", id="e", why="no such version")
    told = shell("deploy", "--log").stdout
    for word in ("rolled back", "a" * 12, "b" * 12, "deploy-1", "small: 2.00 times", "no such version"):
        assert word in told
    assert [one["event"] for one in json.loads(shell("deploy", "--log", "--json").stdout)] == [
        "rolled back",
        "not begun",
    ]


def test_one_that_did_not_end_is_in_the_way_of_the_next(shell: Shell, records: Records) -> None:
    records.write(Journal("deploy-1", "x", 1.0, "c" * 40, 60.0, doing="watch", done=["prepare"]))
    told = shell("deploy", "HEAD")
    assert told.exit_code == 1
    assert "The deploy deploy-1" in told.stderr
    assert "at the step watch" in told.stderr
    assert "--resume" in told.stderr
    assert shell("deploy", "--resume", "--abandon").exit_code == 2


def test_before_anything_is_touched_it_can_be_given_up(shell: Shell, records: Records) -> None:
    records.write(Journal("deploy-1", "x", 1.0, "c" * 40, 60.0, doing="prepare"))
    told = shell("deploy", "--abandon")
    assert told.exit_code == 0, told.output
    assert "is given up" in told.stdout
    assert records.journal() is None
    assert [one["event"] for one in records.logged()] == ["given up"]


@needs_git
def test_a_dry_run_names_every_step_and_writes_nothing(shell: Shell) -> None:
    data = shell.settings.data_dir
    with DataFolder(data):
        commit = git(ROOT, "rev-parse", "HEAD").strip()
        told = shell("deploy", "HEAD", "--dry-run", "--running", "HEAD", "--watch", "5m")
        assert told.exit_code == 0, told.output
        assert commit[:12] in told.stdout
        assert "8/8 keep" in told.stdout
        assert "watch" in told.stdout
        assert "5 min 0 s" in told.stdout
        assert [path.name for path in data.iterdir()] == ["lock"]


@needs_git
@pytest.mark.parametrize("words", [("no-such-version",), ("HEAD", "--watch", "soon"), ("HEAD", "--compose", "nowhere")])
def test_what_cannot_be_meant_is_a_usage_error(shell: Shell, words: tuple[str, ...]) -> None:
    assert shell("deploy", *words).exit_code == 2
