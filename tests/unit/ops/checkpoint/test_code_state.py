"""Which source it is: told, tagged, never changed."""

import subprocess
from pathlib import Path

import pytest

from ops.checkpoint.code_state import Repository


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    ended = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return ended.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "a.py").write_text("x = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=first")
    return tmp_path


def test_a_clean_checkout(folder: Path) -> None:
    state = Repository(folder).state()
    assert state is not None
    assert (state.commit, state.branch, state.dirty) == (git(folder, "rev-parse", "HEAD"), "main", False)
    assert Repository(folder).patch() == ""


def test_what_differs_is_named_and_can_be_made_again(folder: Path) -> None:
    (folder / "a.py").write_text("x = 2\n")
    (folder / "new.py").write_text("")
    state = Repository(folder).state()
    assert state is not None
    assert (state.changed, state.dirty) == (("a.py", "new.py"), True)
    patch = Repository(folder).patch()
    git(folder, "checkout", "--quiet", "a.py")
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, text=True, check=True)
    assert (folder / "a.py").read_text() == "x = 2\n"
    assert git(folder, "log", "--oneline").count("\n") == 0


def test_a_tag_is_made_once_and_taken_away_only_where_it_is(folder: Path) -> None:
    repository, first = Repository(folder), git(folder, "rev-parse", "HEAD")
    assert repository.tag("c1", first) == ""
    assert git(folder, "tag") == "checkpoint/c1"
    assert "checkpoint/c1" in repository.tag("c1", first)
    repository.untag("c1", "0" * 40)
    assert git(folder, "tag") == "checkpoint/c1"
    repository.untag("c1", first)
    assert git(folder, "tag") == ""


def test_commits_between(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    (folder / "a.py").write_text("x = 3\n")
    git(folder, "commit", "--quiet", "--all", "--message=second")
    second = git(folder, "rev-parse", "HEAD")
    assert [line.partition(" ")[2] for line in Repository(folder).between(first, second)] == ["second"]
    assert Repository(folder).between("0" * 40, second) == []


def test_without_git_or_a_repository_there_is_nothing_to_say(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = Repository(tmp_path_factory.mktemp("outside"))
    assert outside.state() is None
    assert (outside.patch(), outside.between("a", "b")) == ("", [])
    assert "could not be made" in outside.tag("c1", "HEAD")
    monkeypatch.setenv("PATH", "")
    assert Repository(folder).state() is None
