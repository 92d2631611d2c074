"""The commands as from a shell."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.checkpoint.manifest import NAME, Manifest
from ops.rollout.journal import Journal, Records
from ops.rollout.pointer import FOLDER
from tests.unit.cli.conftest import Shell, Told
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand, fill, sources

Run = Callable[..., Told]


@pytest.fixture
def run(stand: Stand) -> Run:
    """With the data folder and the archive of the stand."""
    shell = Shell(stand.folder)

    def checkpoint(*words: str, typed: str | None = None) -> Told:
        return shell("checkpoint", *words, "--folder", str(stand.archive.folder), typed=typed)

    return checkpoint


def test_making_listing_showing_and_comparing(run: Run, stand: Stand) -> None:
    fill(stand.data, DOCUMENTS + 1)
    made = run("create", "second", "--note", "after", "--no-tag", "--json", "--prometheus", "http://127.0.0.1:9")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["corpus"]["documents"] == DOCUMENTS + 1
    assert "copying the documents" in made.stderr
    listed = json.loads(run("list", "--json").stdout)
    assert {one["name"]: one["whole"] for one in listed} == {"first": True, "second": True}
    assert "as it was" in run("list").stdout
    assert "known answers  21" in run("show", "first").stdout
    assert json.loads(run("show", "first", "--json").stdout)["name"] == "first"
    different = run("diff", "first", "second")
    assert f"doc{DOCUMENTS}.md" in different.stdout
    assert json.loads(run("diff", "first", "second", "--json").stdout)["added"] == [f"doc{DOCUMENTS}.md"]


def test_verifying(run: Run, stand: Stand) -> None:
    told = run("verify", "first")
    assert told.exit_code == 0, told.output
    assert "is good" in told.stdout
    (stand.path() / "known-answers.json").unlink()
    told = run("verify", "first")
    assert told.exit_code == 1
    assert "known-answers.json: is missing" in told.stderr


def test_restoring_asks_and_says_what_it_kept(run: Run, stand: Stand) -> None:
    fill(stand.data, DOCUMENTS + 1)
    asked = run("restore", "first", typed="n\n")
    assert asked.exit_code == 1
    assert len(sources(stand.data)) == DOCUMENTS + 1
    told = run("restore", "first", "--yes", "--json", "--prometheus", "http://127.0.0.1:9")
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout)
    assert (answer["restored"], answer["marked"]) == ("first", False)
    assert answer["kept"].startswith("before-restore-")
    assert len(sources(stand.data)) == DOCUMENTS
    assert "No restore is left to finish." in run("recover").stdout


def test_pruning_keeps_the_newest_and_what_is_needed(run: Run, stand: Stand) -> None:
    for name in ("a", "b", "c"):
        shutil.copytree(stand.path(), stand.path(name))
    stand.archive.pin("rollout", "first")
    told = run("prune", "--keep", "1")
    assert told.exit_code == 0, told.output
    # Copies under other names are damaged ones, and last in the listing.
    assert stand.archive.names() == ["first"]
    assert "Removed 3 checkpoints" in told.stdout
    shutil.copytree(stand.path(), stand.path("d"))
    stand.archive.pin("rollout", "d")
    told = run("prune", "--keep", "1")
    assert "d stays: rollout" in told.stderr
    assert set(stand.archive.names()) == {"first", "d"}


def test_pruning_counts_whole_ones_and_leaves_what_it_does_not_know(run: Run, stand: Stand) -> None:
    for name, at in (("newest", 3e9), ("next", 2e9)):
        copied = Manifest(**{**vars(Manifest.read(stand.path())), "name": name, "created_at": at})
        shutil.copytree(stand.path(), stand.path(name))
        (stand.path(name) / NAME).write_text(copied.text())
    (stand.path("newest") / "known-answers.json").unlink()
    shutil.copytree(stand.path(), stand.path("future"))
    (stand.path("future") / NAME).write_text('{"format": 9, "sha256": "", "tools": {"emini-rag": "9.9"}}')
    assert "newer: it is of form 9" in run("list").stdout
    told = run("prune", "--keep", "1")
    assert "future stays: it is of a newer emini-rag" in told.stderr
    assert set(stand.archive.names()) == {"newest", "next", "future"}


def test_a_newer_form_is_not_called_damaged(run: Run, stand: Stand) -> None:
    (stand.path() / NAME).write_text('{"format": 9, "sha256": "", "tools": {"emini-rag": "9.9"}}')
    for words in (["show", "first"], ["verify", "first"], ["restore", "first", "--yes"], ["diff", "first", "first"]):
        told = run(*words)
        assert told.exit_code == 1
        assert "Checkpoint first is of a newer emini-rag: it is of form 9" in told.stderr
        assert "made by 9.9" in told.stderr


def test_no_restore_while_a_version_is_deployed(run: Run, stand: Stand) -> None:
    records = Records(stand.data / FOLDER)
    with records.alone():
        told = run("restore", "first", "--yes")
        assert (told.exit_code, "deploys, rolls back or restores" in told.stderr) == (1, True)
        assert run("recover").exit_code == 1
        records.write(Journal("d1", "somebody", 0.0, "HEAD", 60.0))
    told = run("restore", "first", "--yes")
    assert "The deploy d1 did not end" in told.stderr
    assert "emini-rag deploy --abandon" in told.stderr


def test_a_folder_named_from_where_one_is(run: Run, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stand.folder)
    elsewhere = stand.folder / "elsewhere"
    shell = Shell(stand.folder)
    told = shell("checkpoint", "verify", "first", "--folder", "checkpoints")
    assert told.exit_code == 0, told.output
    told = shell("checkpoint", "restore", "first", "--yes", "--folder", "checkpoints", "--data", "elsewhere")
    assert told.exit_code == 0, told.output
    assert len(sources(elsewhere)) == DOCUMENTS
    assert elsewhere.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("verb", ["show", "verify", "restore"])
def test_one_that_is_not_there(run: Run, verb: str) -> None:
    told = run(verb, "none")
    assert told.exit_code == 2
    assert "there are: first" in told.stderr


def test_no_checkpoints_yet(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert "There are no checkpoints" in shell("checkpoint", "list").stdout
    assert shell("checkpoint", "create", "--no-tag").exit_code == 1
