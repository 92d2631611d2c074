"""Versions by git, and their files laid out."""

import os
import subprocess
from pathlib import Path

import pytest

from ops.rollout.source import Source, prune
from service.cli.failures import Failure


def git(folder: Path, *words: str, at: int = 0) -> str:
    told = os.environ | {"GIT_COMMITTER_DATE": f"{at} +0000", "GIT_AUTHOR_DATE": f"{at} +0000"} if at else None
    return subprocess.run(["git", *words], cwd=folder, env=told, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Two commits: schema 1, then schema 3."""
    root = tmp_path / "repository"
    schema = root / "service" / "corpus" / "schema.py"
    schema.parent.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    for name, value in (("user.name", "Test"), ("user.email", "test@example.org"), ("commit.gpgsign", "false")):
        git(root, "config", name, value)
    for number, at in ((1, 1_600_000_000), (3, 1_700_000_000)):
        schema.write_text(f"X = 1\nSCHEMA_VERSION = {number}\n")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "-m", f"schema {number}\n\nmore", at=at)
    return Source(root)


def test_names_become_commits(source: Source) -> None:
    head = source.commit("HEAD")
    assert source.commit("main") == source.commit(head[:8]) == head
    assert source.subject(head) == "schema 3"
    for wrong in ("nothing", "--all", "HEAD~7"):
        with pytest.raises(Failure, match="no version"):
            source.commit(wrong)


def test_without_a_repository_it_says_so(tmp_path: Path) -> None:
    for look in (lambda: Source(tmp_path).commit("HEAD"), Source(tmp_path).changed):
        with pytest.raises(Failure, match="git cannot read") as failed:
            look()
        assert "not a git repository" in failed.value.why


def test_in_a_shallow_clone_it_says_how_to_fetch_the_others(source: Source, tmp_path: Path) -> None:
    older = source.commit("HEAD~1")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{source.root}", "shallow")
    with pytest.raises(Failure, match="no version") as failed:
        Source(tmp_path / "shallow").commit(older)
    assert "--unshallow" in failed.value.todo


def test_where_the_checkout_was_at_a_time_by_what_git_remembers(source: Source) -> None:
    assert source.commit_at(1_650_000_000) == source.commit("HEAD~1")
    assert source.commit_at(1_750_000_000) == source.commit("HEAD")


def test_the_schema_of_each_version(source: Source) -> None:
    assert [source.schema(source.commit(ref)) for ref in ("HEAD~1", "HEAD")] == [1, 3]
    git(source.root, "rm", "--quiet", "service/corpus/schema.py")
    git(source.root, "commit", "--quiet", "-m", "none")
    assert source.schema(source.commit("HEAD")) == 0


def test_changed_code_is_seen_and_other_files_are_not(source: Source) -> None:
    (source.root / "notes.txt").write_text("mine")
    assert source.changed() == []
    (source.root / "service" / "new.py").write_text("")
    assert source.changed() == ["service/new.py"]


def test_files_are_laid_out_once_and_the_repository_is_as_before(source: Source, tmp_path: Path) -> None:
    commit = source.commit("HEAD~1")
    left = tmp_path / "versions" / ".new-left"
    left.mkdir(parents=True)
    place = source.lay_out(commit, tmp_path / "versions")
    assert (place / "service" / "corpus" / "schema.py").read_text().endswith("SCHEMA_VERSION = 1\n")
    assert place.name == commit[:12]
    assert not left.exists()
    (place / "mark").touch()
    assert source.lay_out(commit, tmp_path / "versions") == place
    assert (place / "mark").exists()
    assert git(source.root, "status", "--porcelain") == ""
    with pytest.raises(Failure, match="cannot give the files"):
        source.lay_out("0" * 40, tmp_path / "versions")


def test_old_versions_are_removed_but_not_those_that_are_needed(tmp_path: Path) -> None:
    for number in range(6):
        place = tmp_path / f"{number:012x}"
        place.mkdir()
        os.utime(place, (number, number))
    (tmp_path / "environments").mkdir()
    assert prune(tmp_path, [str(tmp_path / f"{0:012x}")], 2) == [f"{number:012x}" for number in (3, 2, 1)]
    assert len(list(tmp_path.iterdir())) == 4
    assert prune(tmp_path / "no", [], 1) == []
