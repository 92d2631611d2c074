"""The one who looks is another process: it may die, hang or talk nonsense, and only be told of."""

from ops.checkpoint.files import listing, record
from ops.checkpoint.inspection import inspect, inspect_a_clone
from tests.unit.ops.checkpoint.stand import DOCUMENTS, Stand


def test_a_clone_is_looked_at_and_the_checkpoint_stays_as_it_is(stand: Stand) -> None:
    store = stand.path() / "store"
    before = {path: record(path) for path in listing(store)}
    found = inspect_a_clone(store, {"floor": 0.0}, stand.archive.folder)
    assert (found.documents, found.problems) == (DOCUMENTS, [])
    assert {path: record(path) for path in listing(store)} == before
    assert not list(stand.archive.folder.glob(".look-*"))


def test_an_index_that_was_cut_short_is_told(stand: Stand) -> None:
    for path in (stand.path() / "store" / "chroma").rglob("header.bin"):
        path.write_bytes(path.read_bytes()[:10])
    found = inspect_a_clone(stand.path() / "store", {"floor": 0.0}, stand.archive.folder)
    assert "was cut short" in found.problems[0]


def test_one_that_hangs_is_told(stand: Stand) -> None:
    found = inspect(stand.path() / "store", None, {}, longest_s=0.01)
    assert found.problems == ["the copy could not be opened and searched within 0.01 s"]


def test_one_that_fails_is_told(stand: Stand) -> None:
    found = inspect(stand.folder / "none", None, {})
    assert "unable to open" in found.problems[0]
