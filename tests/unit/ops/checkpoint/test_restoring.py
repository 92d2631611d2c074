"""Going back: verified, exchanged, asked; whatever fails, the documents are those of before."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ops.checkpoint.creating import Making
from ops.checkpoint.installation import NativeInstallation
from ops.checkpoint.manifest import CORPUS
from ops.checkpoint.restoring import IN_USE, Restoring
from service.cli.failures import Failure
from service.data_folder import DataFolder
from service.store_swap import BESIDE, JOURNAL, Phase, advance, begin, read
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand, fill, sources

THEN = {f"doc{number}.md" for number in range(DOCUMENTS)}
NOW = {f"doc{number}.md" for number in range(DOCUMENTS + 2)}


@pytest.fixture
def moved_on(stand: Stand) -> Stand:
    """Two documents came after the checkpoint."""
    fill(stand.data, DOCUMENTS + 2)
    return stand


@contextmanager
def restoring(stand: Stand, making: Making | None = None, keep: str | None = None) -> Iterator[Restoring]:
    with stand.archive.changing():
        yield Restoring(making or stand.making(), ready_s=0.2, keep_today=keep)


def test_back_to_it_with_today_kept(moved_on: Stand) -> None:
    with restoring(moved_on, keep="today") as one:
        manifest = one.restore("first")
    assert manifest.name == "first"
    assert sources(moved_on.data) == THEN
    assert not (moved_on.data / JOURNAL).exists()
    assert not (moved_on.data / BESIDE).exists()
    assert moved_on.archive.pins() == {IN_USE: "first"}
    with restoring(moved_on) as one:
        one.restore("today")
    assert sources(moved_on.data) == NOW


def test_into_an_empty_folder(stand: Stand) -> None:
    for path in (stand.data / "corpus.sqlite3", *stand.data.glob("corpus.sqlite3-*")):
        path.unlink()
    with restoring(stand, keep="today") as one:
        one.restore("first")
    assert sources(stand.data) == THEN
    assert stand.archive.names() == ["first"]


def test_a_folder_in_use_is_refused_before_anything(moved_on: Stand) -> None:
    with DataFolder(moved_on.data), restoring(moved_on) as one, pytest.raises(Failure, match="is in use"):
        one.restore("first")
    assert not (moved_on.data / BESIDE).exists()
    assert sources(moved_on.data) == NOW


def test_a_damaged_checkpoint_touches_nothing(moved_on: Stand) -> None:
    corpus = moved_on.path() / CORPUS
    corpus.write_bytes(corpus.read_bytes()[:-1])
    with restoring(moved_on) as one, pytest.raises(Failure, match="damaged"):
        one.restore("first")
    assert not (moved_on.data / BESIDE).exists()
    assert sources(moved_on.data) == NOW


def test_a_present_state_that_cannot_be_kept_is_not_given_up(moved_on: Stand) -> None:
    for path in (moved_on.data / "chroma").rglob("header.bin"):
        path.write_bytes(b"")
    with restoring(moved_on, keep="today") as one, pytest.raises(Failure, match="no checkpoint") as caught:
        one.restore("first")
    assert "--without-pre-checkpoint" in caught.value.todo
    assert read(moved_on.data) is None
    with restoring(moved_on) as one:
        one.restore("first")
    assert sources(moved_on.data) == THEN


class Unwilling(NativeInstallation):
    """Runs, stops as it is told, and never comes up again."""

    up = True

    def serving(self) -> bool:
        return self.up

    def require_stoppable(self) -> None: ...

    def stop(self) -> bool:
        was, self.up = self.up, False
        return was

    def start(self) -> None:
        self.started = getattr(self, "started", 0) + 1


def test_a_service_that_does_not_come_up_brings_the_old_documents_back(moved_on: Stand) -> None:
    installation = Unwilling(moved_on.data, moved_on.data / "chroma")
    with (
        restoring(moved_on, moved_on.making(installation)) as one,
        pytest.raises(Failure, match="not ready") as caught,
    ):
        one.restore("first")
    assert caught.value.todo == "The documents are those of before."
    # Once on the new documents, and again on the old ones.
    assert installation.started == 2
    assert sources(moved_on.data) == NOW
    assert not (moved_on.data / JOURNAL).exists()


@pytest.mark.parametrize("placed", [False, True])
def test_an_interrupted_one_is_finished_by_the_next(moved_on: Stand, placed: bool) -> None:
    store = moved_on.native().store
    store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    if placed:
        advance(moved_on.data)
    journal = read(moved_on.data)
    assert journal is not None
    assert journal.phase is (Phase.PLACED if placed else Phase.FORWARD)
    with restoring(moved_on) as one:
        assert one.recover() == "first"
        assert one.recover() is None
    assert sources(moved_on.data) == THEN
    assert moved_on.archive.pins() == {IN_USE: "first"}


def test_one_that_had_been_given_up_ends_with_the_old_documents(moved_on: Stand) -> None:
    store = moved_on.native().store
    store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    journal = (moved_on.data / JOURNAL).read_text()
    advance(moved_on.data)
    (moved_on.data / JOURNAL).write_text(journal.replace("forward", "back"))
    with restoring(moved_on) as one:
        assert one.recover() is None
    assert sources(moved_on.data) == NOW


def test_a_repeat_of_the_same_finishes_it_and_does_nothing_twice(moved_on: Stand) -> None:
    moved_on.native().store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    with restoring(moved_on, keep="today") as one:
        one.restore("first")
    assert sources(moved_on.data) == THEN
    assert moved_on.archive.names() == ["first"]
