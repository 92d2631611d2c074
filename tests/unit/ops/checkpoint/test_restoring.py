"""Going back: verified, exchanged, asked; whatever fails, the documents are those of before."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from ops.checkpoint.creating import Making
from ops.checkpoint.installation import NativeInstallation
from ops.checkpoint.live_service import LiveService
from ops.checkpoint.manifest import ANSWERS, CORPUS
from ops.checkpoint.restoring import IN_USE, Restoring
from ops.checkpoint.store import FolderStore, Look
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.data_folder import DataFolder
from service.store_swap import BESIDE, JOURNAL, Phase, advance, begin, read
from tests.fakes.stub_server import Stub
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
    started = 0

    def serving(self) -> bool:
        return self.up

    def require_stoppable(self) -> None: ...

    def stop(self) -> bool:
        was, self.up = self.up, False
        return was

    def start(self) -> None:
        self.started += 1


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


class Willing(Unwilling):
    """Comes up again."""

    def start(self) -> None:
        super().start()
        self.up = True


class Listening(LiveService):
    """A service that finds nothing, and whether it is ready is said by `ready`; `noted` is what it is told."""

    def __init__(self, client: ServiceClient, *, ready: bool) -> None:
        super().__init__(client)
        self.ready = ready
        self.noted: list[tuple[str, bool]] = []

    def await_ready(self, longest_s: float) -> None:
        if not self.ready:
            raise Failure("It is not ready")

    def search(self, questions: Sequence[Mapping[str, Any]], top_k: int) -> list[list[str]]:
        return [[] for _ in questions]

    def document_ids(self) -> frozenset[str]:
        return frozenset()

    def note_restore(self, checkpoint: str, took_s: float, *, went_back: bool) -> None:
        assert took_s >= 0
        self.noted.append((checkpoint, went_back))


@pytest.mark.parametrize("ready", [True, False])
def test_the_service_is_told_what_became_of_it(moved_on: Stand, ready: bool) -> None:
    installation = Willing(moved_on.data, moved_on.data / "chroma")
    making = moved_on.making(installation)
    making.live = heard = Listening(moved_on.client, ready=ready)
    with restoring(moved_on, making) as one, nullcontext() if ready else pytest.raises(Failure, match="not ready"):
        one.restore("first")
    assert heard.noted == [("first", not ready)]
    assert sources(moved_on.data) == (THEN if ready else NOW)


class Deaf(Listening):
    """Is gone before it can be told, or too old to know of restores."""

    def note_restore(self, checkpoint: str, took_s: float, *, went_back: bool) -> None:
        LiveService.note_restore(self, checkpoint, took_s, went_back=went_back)


def test_a_service_that_cannot_be_told_is_no_reason_to_fail(moved_on: Stand) -> None:
    installation = Willing(moved_on.data, moved_on.data / "chroma")
    making = moved_on.making(installation)
    making.live = Deaf(moved_on.client, ready=True)
    with restoring(moved_on, making) as one:
        one.restore("first")
    assert sources(moved_on.data) == THEN


class Dead(Unwilling):
    """Cannot be started at all."""

    def start(self) -> None:
        raise Failure("`start` failed with status 1")


def test_a_service_that_cannot_be_started_again_is_told_besides(moved_on: Stand) -> None:
    installation = Dead(moved_on.data, moved_on.data / "chroma")
    with (
        restoring(moved_on, moved_on.making(installation)) as one,
        pytest.raises(Failure, match="first was not restored: `start` failed") as caught,
    ):
        one.restore("first")
    assert caught.value.todo == "The documents are those of before."
    assert "The service does not run" in moved_on.said.getvalue()
    assert sources(moved_on.data) == NOW


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


def test_one_that_had_been_given_up_leaves_the_service_as_it_should_be(moved_on: Stand) -> None:
    installation = Unwilling(moved_on.data, moved_on.data / "chroma")
    installation.store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    told = (moved_on.data / JOURNAL).read_text()
    advance(moved_on.data)
    (moved_on.data / JOURNAL).write_text(told.replace("forward", "back"))
    with restoring(moved_on, moved_on.making(installation)) as one:
        assert one.recover() is None
    assert installation.started == 1


def test_what_came_after_an_interrupted_one_is_not_lost(moved_on: Stand) -> None:
    """A service has run on it for a while: its known questions may be answered otherwise by now, with reason."""
    store = moved_on.native().store
    store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    advance(moved_on.data)
    fill(moved_on.data, DOCUMENTS + 5)
    with restoring(moved_on) as one:
        assert one.recover() == "first"
    assert len(sources(moved_on.data)) == DOCUMENTS + 5
    assert not (moved_on.data / JOURNAL).exists()
    assert "changed since: they stay as they are" in moved_on.said.getvalue()


def test_one_whose_checkpoint_is_damaged_by_now_ends_all_the_same(moved_on: Stand) -> None:
    moved_on.native().store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    (moved_on.path() / ANSWERS).unlink()
    with restoring(moved_on) as one:
        assert one.recover() == "first"
    assert sources(moved_on.data) == THEN
    assert not (moved_on.data / JOURNAL).exists()


class Stubborn(Unwilling):
    """Is told to stop when the user has had enough."""

    def stop(self) -> bool:
        self.up = False
        raise KeyboardInterrupt


def test_a_stop_that_is_broken_off_starts_it_again(moved_on: Stand) -> None:
    installation = Stubborn(moved_on.data, moved_on.data / "chroma")
    with restoring(moved_on, moved_on.making(installation)) as one, pytest.raises(KeyboardInterrupt):
        one.restore("first")
    assert installation.started == 1
    assert sources(moved_on.data) == NOW


def test_the_same_again_after_changes_restores_it(moved_on: Stand) -> None:
    store = moved_on.native().store
    store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    advance(moved_on.data)
    fill(moved_on.data, DOCUMENTS + 5)
    with restoring(moved_on) as one:
        one.restore("first")
    assert sources(moved_on.data) == THEN


@pytest.mark.parametrize(
    ("status", "content", "told"),
    [
        (200, {"token": "t", "store": "9:9", "drained_s": 0.0, "held_s": 0.0}, "The wrong service was asked"),
        (401, {"kind": "unauthorized", "title": "No key", "detail": "none was sent"}, "No key"),
    ],
)
def test_the_wrong_service_and_the_wrong_key_show_before_anything_is_stopped(
    moved_on: Stand, status: int, content: dict[str, object], told: str
) -> None:
    installation = Unwilling(moved_on.data, moved_on.data / "chroma")
    with Stub() as service, ServiceClient(service.url) as client:
        service.status, service.content = status, json.dumps(content).encode()
        making = moved_on.making(installation)
        making.live = LiveService(client)
        with restoring(moved_on, making) as one, pytest.raises(Failure, match=told):
            one.require_right_service()
        service.status, service.content = 500, b'{"kind": "other", "title": "It is ill", "detail": ""}'
        with restoring(moved_on, making) as one:
            one.require_right_service()
    assert "going on all the same" in moved_on.said.getvalue()
    assert installation.up


class Huge(FolderStore):
    """On another disk than the archive, and larger than that has room for."""

    def look(self) -> Look:
        return Look("9:9", 1 << 60, super().look().free)


def test_too_little_space_shows_before_anything_is_stopped(moved_on: Stand) -> None:
    installation = Unwilling(moved_on.data, moved_on.data / "chroma")
    installation.store = Huge(moved_on.data, moved_on.data / "chroma")
    with restoring(moved_on, moved_on.making(installation), keep="today") as one:
        with pytest.raises(Failure, match="not enough space") as caught:
            one.restore("first")
        assert str(moved_on.archive.folder) in caught.value.why
    assert installation.up
    installation.up = False
    with restoring(moved_on, moved_on.making(installation)) as one:
        one.restore("first")


def test_a_repeat_of_the_same_finishes_it_and_does_nothing_twice(moved_on: Stand) -> None:
    moved_on.native().store.stage(moved_on.path())
    begin(moved_on.data, moved_on.data / "chroma", "first")
    with restoring(moved_on, keep="today") as one:
        one.restore("first")
    assert sources(moved_on.data) == THEN
    assert moved_on.archive.names() == ["first"]
