"""Copied out as it lies, laid beside as it was kept, and exchanged only when nobody is there."""

from pathlib import Path

import pytest

from ops.checkpoint.files import listing, record
from ops.checkpoint.manifest import CORPUS
from ops.checkpoint.store import CACHES, FolderStore, schema_of
from ops.checkpoint.turn import turn
from service.cli.failures import Failure
from service.corpus.schema import SCHEMA_VERSION
from service.data_folder import DataFolder
from service.errors import ServiceError
from service.store_swap import BESIDE, Phase
from tests.fakes.stub_server import Stub
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand, fill, sources


def hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): record(path).sha256 for path in listing(folder)}


def store_of(stand: Stand) -> FolderStore:
    return FolderStore(stand.data, stand.data / "chroma")


def test_a_look(stand: Stand, tmp_path: Path) -> None:
    look = store_of(stand).look()
    status = (stand.data / "corpus.sqlite3").stat()
    assert look.identity == f"{status.st_dev}:{status.st_ino}"
    assert look.size > 100_000
    assert FolderStore(tmp_path / "none", None).look().identity == ""


def test_a_copy_leaves_locks_and_what_waits_beside_behind(stand: Stand) -> None:
    store = store_of(stand)
    (stand.data / "chroma" / BESIDE).mkdir()
    (stand.data / "chroma" / BESIDE / "x").touch()
    store.copy(stand.folder / "copy", caches=True)
    names = {path.relative_to(stand.folder / "copy").parts[0] for path in listing(stand.folder / "copy")}
    assert names == {"corpus.sqlite3", "chroma"}
    assert not list((stand.folder / "copy").rglob("owner.lock"))
    assert not list((stand.folder / "copy").rglob("x"))
    assert schema_of(stand.folder / "copy" / "corpus.sqlite3") == SCHEMA_VERSION


def test_staging_changes_nothing_that_is_in_use_and_compares(stand: Stand) -> None:
    store, before = store_of(stand), hashes(stand.data)
    store.stage(stand.path())
    after = {name: one for name, one in hashes(stand.data).items() if BESIDE not in name}
    assert after == before
    corpus = stand.path() / CORPUS
    content = bytearray(corpus.read_bytes())
    content[5000] ^= 1
    corpus.write_bytes(content)
    with pytest.raises(Failure, match="not what the checkpoint holds"):
        store.stage(stand.path())


def test_what_somebody_else_has_begun_is_not_cleared_away(stand: Stand) -> None:
    store = store_of(stand)
    with turn(stand.data, "another"), pytest.raises(Failure, match="is in use"):
        store.stage(stand.path())
    store.stage(stand.path())
    store.begin("first")
    with pytest.raises(Failure, match="was begun"):
        store.stage(stand.path())
    store.turn_back()
    store.stage(stand.path())


def test_nothing_is_moved_below_a_chroma_server_that_runs(stand: Stand) -> None:
    with Stub() as server:
        store = FolderStore(stand.data, stand.data / "chroma", server.url)
        store.stage(stand.path())
        for move in (lambda: store.begin("first"), store.advance, store.turn_back):
            with pytest.raises(Failure, match=f"The Chroma server at {server.url} runs"):
                move()
    store.begin("first")
    store.advance()
    store.settle()


def test_an_exchange_brings_the_kept_state_byte_by_byte(stand: Stand) -> None:
    fill(stand.data, DOCUMENTS + 3)
    store = store_of(stand)
    store.stage(stand.path())
    with store.exclusive():
        store.begin("first")
        store.advance()
    journal = store.journal()
    assert journal is not None
    assert journal.phase is Phase.PLACED
    for name, one in hashes(stand.path() / "store").items():
        assert record(stand.data / name).sha256 == one
    store.settle()
    assert sources(stand.data) == {f"doc{number}.md" for number in range(DOCUMENTS)}


def test_turning_back_brings_the_state_of_before(stand: Stand) -> None:
    fill(stand.data, DOCUMENTS + 3)
    before = hashes(stand.data)
    store = store_of(stand)
    store.stage(stand.path())
    store.begin("first")
    store.advance()
    store.turn_back()
    assert {name: one for name, one in hashes(stand.data).items() if BESIDE not in name} == before


def test_kept_answers_are_exchanged_with_their_logs(stand: Stand) -> None:
    for name in CACHES:
        (stand.data / f"{name}-wal").write_bytes(b"of another file")
    (stand.path() / "store" / CACHES[0]).write_bytes(b"kept")
    store = store_of(stand)
    with pytest.raises(Failure, match="not what the checkpoint holds"):
        store.stage(stand.path())


def test_without_a_known_index_only_the_documents_are_exchanged(stand: Stand) -> None:
    before = hashes(stand.data / "chroma")
    store = FolderStore(stand.data, None)
    store.stage(stand.path())
    store.begin("first")
    store.advance()
    store.settle()
    assert hashes(stand.data / "chroma") == before


def test_a_folder_in_use_is_not_to_be_had(stand: Stand) -> None:
    with (
        DataFolder(stand.data),
        pytest.raises(ServiceError, match="is used by process"),
        store_of(stand).exclusive(),
    ):
        pass
