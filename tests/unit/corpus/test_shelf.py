"""The list of documents in memory."""

from dataclasses import replace

from service.corpus.port import Document
from service.corpus.shelf import Shelf, Shelved


def shelved(name: str, *, chunks: int = 2, embedded: bool = True, folder: str = "") -> Shelved:
    return Shelved(Document(f"id-{name}", name, "text/plain", 10, 10, chunks, 0.0, embedded), folder)


def sums(shelf: Shelf) -> tuple[int, int, int]:
    return len(shelf), shelf.chunks, shelf.pending_chunks


def test_sums_follow_what_comes_changes_and_goes() -> None:
    shelf = Shelf()
    shelf.put(shelved("a"))
    shelf.put(shelved("b", chunks=3, embedded=False))
    assert sums(shelf) == (2, 5, 3)
    known = shelf.find("id-b")
    assert known is not None
    shelf.put(replace(known, document=replace(known.document, embedded=True)))
    assert sums(shelf) == (2, 5, 0)
    shelf.drop("id-a")
    shelf.drop("unknown")
    assert sums(shelf) == (1, 3, 0)
    shelf.replace_all([shelved("c", embedded=False)])
    assert sums(shelf) == (1, 2, 2)


def test_lists_by_source_and_by_folder() -> None:
    shelf = Shelf()
    for name, folder in (("c", "/x"), ("a", ""), ("b", "/x")):
        shelf.put(shelved(name, folder=folder))
    assert [one.source for one in shelf.documents()] == ["a", "b", "c"]
    assert shelf.documents() is shelf.documents()
    assert [one.source for one in shelf.of_folder("/x")] == ["b", "c"]
    shelf.drop("id-b")
    assert [one.source for one in shelf.documents()] == ["a", "c"]
