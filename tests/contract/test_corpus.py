"""What every corpus must do, the fake included."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.corpus.port import Corpus, IngestResult
from service.errors import NotFound, TooLarge, UnsupportedDocument
from tests.fakes.corpus import FakeCorpus
from tests.unit.corpus.opened import Opened, prose


@pytest.fixture(params=["sqlite", "fake"])
async def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Corpus]:
    if request.param == "fake":
        yield FakeCorpus(max_bytes=100_000)
        return
    opened = await Opened(tmp_path / "data", embedder=False).open()
    yield opened.corpus
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "documents"
    (made / "deep").mkdir(parents=True)
    (made / "b.md").write_bytes(prose("momentum"))
    (made / "deep" / "a.txt").write_bytes(prose("reversal"))
    (made / ".hidden.md").write_bytes(prose("secret"))
    (made / "broken.md").write_bytes(b"\x00\x01\x02\xff" * 50)
    return made


async def test_begins_empty(corpus: Corpus) -> None:
    state = corpus.state()
    assert (state.documents, state.chunks, state.pending_vectors, state.embedder) == (0, 0, 0, None)
    assert list(corpus.documents()) == []


async def test_a_document_is_there_once_it_is_added(corpus: Corpus) -> None:
    before = corpus.state().version
    ingested = await corpus.add("notes/momentum.md", prose("momentum"))
    assert ingested.result is IngestResult.ADDED
    document = ingested.document
    assert document is not None
    assert (document.source, document.media_type, document.embedded) == ("notes/momentum.md", "text/markdown", False)
    assert (document.size_bytes, document.chars) == (len(prose("momentum")), len(prose("momentum").decode()))
    assert document.chunks > 0
    assert list(corpus.documents()) == [document]
    assert await corpus.document_text(document.id) == prose("momentum").decode()
    state = corpus.state()
    assert (state.documents, state.chunks) == (1, document.chunks)
    assert state.version > before


async def test_the_same_again_changes_nothing(corpus: Corpus) -> None:
    first = await corpus.add("a.md", prose("momentum"))
    version = corpus.state().version
    again = await corpus.add("a.md", prose("momentum"))
    assert again.result is IngestResult.UNCHANGED
    assert again.document == first.document
    assert corpus.state().version == version


async def test_the_same_content_under_another_name_is_another_document(corpus: Corpus) -> None:
    first = await corpus.add("a.md", prose("momentum"))
    second = await corpus.add("b.md", prose("momentum"))
    assert second.result is IngestResult.ADDED
    assert first.document is not None
    assert second.document is not None
    assert first.document.id != second.document.id


async def test_other_content_under_the_same_name_replaces(corpus: Corpus) -> None:
    old = await corpus.add("a.md", prose("momentum"))
    version = corpus.state().version
    new = await corpus.add("a.md", prose("reversal"))
    assert new.result is IngestResult.REPLACED
    assert list(corpus.documents()) == [new.document]
    assert corpus.state().version > version
    assert old.document is not None
    with pytest.raises(NotFound):
        await corpus.document_text(old.document.id)


async def test_deleting_takes_it_away_and_raises_the_version(corpus: Corpus) -> None:
    added = await corpus.add("a.md", prose("momentum"))
    version = corpus.state().version
    assert added.document is not None
    assert await corpus.delete(added.document.id) == added.document
    assert list(corpus.documents()) == []
    assert corpus.state().chunks == 0
    assert corpus.state().version > version
    again = await corpus.add("a.md", prose("momentum"))
    assert again.result is IngestResult.ADDED


async def test_an_unknown_id_is_not_found(corpus: Corpus) -> None:
    with pytest.raises(NotFound):
        await corpus.delete("0" * 32)
    with pytest.raises(NotFound):
        await corpus.document_text("0" * 32)


@pytest.mark.parametrize("content", [b"", b" \n\t\n ", b"\x00\x01\x02\xff" * 50])
async def test_what_holds_no_text_is_refused(corpus: Corpus, content: bytes) -> None:
    with pytest.raises(UnsupportedDocument):
        await corpus.add("a.md", content)
    assert corpus.state().documents == 0


async def test_what_is_too_large_is_refused(corpus: Corpus) -> None:
    with pytest.raises(TooLarge):
        await corpus.add("a.md", b"word " * 30_000)
    assert corpus.state().documents == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\x\\passwd", "x\x00/../passwd", "passwd"])
async def test_a_name_is_a_harmless_label(corpus: Corpus, name: str) -> None:
    ingested = await corpus.add(name, prose("momentum"))
    assert ingested.source == "passwd"
    assert [document.source for document in corpus.documents()] == ["passwd"]


async def test_a_folder_gives_its_files_by_relative_name(corpus: Corpus, folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    report = await corpus.add_folder(str(folder), lambda *step: seen.append(step))
    assert [one.source for one in report.results] == ["b.md", "broken.md", "deep/a.txt"]
    assert report.counts == {IngestResult.ADDED: 2, IngestResult.REJECTED: 1}
    refused = report.results[1]
    assert (refused.result, refused.document) == (IngestResult.REJECTED, None)
    assert "broken.md" in refused.detail
    assert [document.source for document in corpus.documents()] == ["b.md", "deep/a.txt"]
    assert seen == [(1, 3, "b.md"), (2, 3, "broken.md"), (3, 3, "deep/a.txt")]


async def test_a_folder_again_is_unchanged(corpus: Corpus, folder: Path) -> None:
    await corpus.add_folder(str(folder))
    version = corpus.state().version
    report = await corpus.add_folder(str(folder), prune=True)
    assert report.counts == {IngestResult.UNCHANGED: 2, IngestResult.REJECTED: 1}
    assert report.removed == ()
    assert corpus.state().version == version


async def test_pruning_removes_what_this_folder_gave_and_holds_no_more(corpus: Corpus, folder: Path) -> None:
    await corpus.add("upload.md", prose("upload"))
    await corpus.add_folder(str(folder))
    (folder / "b.md").unlink()
    assert (await corpus.add_folder(str(folder))).removed == ()
    report = await corpus.add_folder(str(folder), prune=True)
    assert report.removed == ("b.md",)
    assert [document.source for document in corpus.documents()] == ["deep/a.txt", "upload.md"]


async def test_an_empty_folder_prunes_nothing(corpus: Corpus, folder: Path) -> None:
    await corpus.add_folder(str(folder / "deep"))
    (folder / "deep" / "a.txt").unlink()
    report = await corpus.add_folder(str(folder / "deep"), prune=True)
    assert (report.results, report.removed) == ((), ())
    assert corpus.state().documents == 1


async def test_two_folders_may_hold_the_same_name(corpus: Corpus, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.md").write_bytes(prose("volatility"))
    await corpus.add_folder(str(folder))
    report = await corpus.add_folder(str(other))
    assert report.counts == {IngestResult.ADDED: 1}
    assert [document.source for document in corpus.documents()] == ["b.md", "b.md", "deep/a.txt"]


async def test_an_upload_replaces_what_a_folder_gave_under_its_name(corpus: Corpus, folder: Path) -> None:
    await corpus.add_folder(str(folder))
    assert (await corpus.add("b.md", prose("volatility"))).result is IngestResult.REPLACED
    assert [document.source for document in corpus.documents()] == ["b.md", "deep/a.txt"]


async def test_a_folder_never_replaces_an_upload(corpus: Corpus, folder: Path) -> None:
    await corpus.add("b.md", prose("volatility"))
    report = await corpus.add_folder(str(folder), prune=True)
    assert report.counts[IngestResult.ADDED] == 2
    assert [document.source for document in corpus.documents()] == ["b.md", "b.md", "deep/a.txt"]


async def test_a_missing_folder_is_not_found(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await corpus.add_folder(str(tmp_path / "nowhere"))


async def test_without_an_embedder_nothing_is_embedded(corpus: Corpus) -> None:
    await corpus.add("a.md", prose("momentum"))
    assert await corpus.embed_pending() == 0
    state = corpus.state()
    assert (state.pending_vectors, state.embedder) == (state.chunks, None)
