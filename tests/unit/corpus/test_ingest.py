"""The corpus as it is used: start, repair, folders, embedding later, and the end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.corpus.port import IngestResult
from service.errors import Dependency, DependencyUnavailable, ErrorKind, NotFound, ServiceError
from tests.unit.corpus.opened import LIMITS, Opened, prose


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    made = await Opened(tmp_path / "data").open()
    yield made
    await made.close()


async def test_what_was_added_is_there_after_a_restart(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    state = opened.corpus.state()
    await opened.close()
    await opened.open()
    assert opened.corpus.state() == state
    assert list(opened.corpus.documents()) == [added.document]
    assert await opened.sources("momentum") != []


async def test_a_document_left_pending_by_a_kill_is_finished_at_start(opened: Opened) -> None:
    old = await opened.corpus.add("a.md", prose("momentum"))
    opened.file.clock = opened.clock
    await _leave_pending(opened, "a.md", prose("reversal"))
    assert await opened.sources("reversal") == []
    await opened.close()
    await opened.open()
    assert opened.repaired.finished == 1
    assert await opened.sources("reversal") != []
    assert await opened.sources("momentum") == []
    await opened.corpus.embed_pending()
    assert len(opened.vectors) == opened.corpus.state().chunks
    assert old.document is not None
    with pytest.raises(NotFound):
        await opened.corpus.document_text(old.document.id)


async def _leave_pending(opened: Opened, source: str, content: bytes) -> None:
    """Stop where a kill between the first transaction and the vectors would."""
    publish = opened.corpus._registry.publish
    opened.corpus._registry.publish = _killed  # type: ignore[method-assign, assignment]
    discard = opened.corpus._registry.discard
    opened.corpus._registry.discard = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="killed"):
        await opened.corpus.add(source, content)
    opened.corpus._registry.publish = publish  # type: ignore[method-assign]
    opened.corpus._registry.discard = discard  # type: ignore[method-assign]


def _killed(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


async def test_vectors_of_unknown_chunks_go_at_start_and_missing_ones_are_made_again(opened: Opened) -> None:
    await opened.corpus.add("a.md", prose("momentum"))
    await opened.corpus.add("b.md", prose("reversal"))
    await opened.close()
    rows = opened.index.collections[opened.embedder.embedder]
    lost, row = rows.popitem()
    rows["unknown"] = row
    version = opened.corpus.state().version
    await opened.open()
    assert "unknown" not in opened.vectors
    state = opened.corpus.state()
    assert state.pending_vectors > 0
    assert state.embedder is None
    assert state.version > version
    assert await opened.corpus.embed_pending() == state.pending_vectors
    assert lost in opened.vectors
    assert opened.corpus.state().embedder == "fake-embed"


async def test_an_index_that_lost_its_vectors_is_filled_again(opened: Opened) -> None:
    await opened.corpus.add("a.md", prose("momentum"))
    opened.index.collections[opened.embedder.embedder].clear()
    done = await opened.corpus.embed_pending()
    assert done == opened.corpus.state().chunks == len(opened.vectors)


async def test_start_goes_on_without_the_index(opened: Opened) -> None:
    await opened.corpus.add("a.md", prose("momentum"))
    await opened.close()
    opened.index.away = True
    await opened.open()
    assert "Chroma is away" in opened.repaired.detail
    assert await opened.sources("momentum") != []
    opened.index.away = False
    assert await opened.corpus.embed_pending() == 0
    assert opened.corpus.state().pending_vectors == 0


async def test_documents_added_without_an_embedder_get_vectors_when_one_comes(tmp_path: Path) -> None:
    opened = await Opened(tmp_path, embedder=False).open()
    for number in range(3):
        await opened.corpus.add(f"{number}.md", prose(f"word{number}"))
    assert opened.corpus.state().embedder is None
    assert await opened.corpus.embed_pending() == 0
    opened.embedder.away = False
    version = opened.corpus.state().version
    added = await opened.corpus.add("new.md", prose("momentum"))
    assert added.document is not None
    assert added.document.embedded
    assert opened.corpus.active_embedder is None
    pending = opened.corpus.state().pending_vectors
    assert await opened.corpus.embed_pending() == pending > 0
    assert opened.corpus.state().embedder == "fake-embed"
    assert opened.corpus.state().pending_vectors == 0
    assert opened.corpus.state().version > version
    assert await opened.corpus.embed_pending() == 0
    await opened.close()


async def test_another_embedder_is_used_only_when_all_is_embedded_again(opened: Opened) -> None:
    for number in range(3):
        await opened.corpus.add(f"{number}.md", prose(f"word{number}"))
    first = opened.embedder.embedder
    version = opened.corpus.state().version
    opened.embedder.digest = "d2"
    opened.embedder.dimensions = 32
    seen: list[object] = []
    upsert = opened.index.upsert

    async def look(rows: object) -> None:
        seen.append(opened.corpus.active_embedder)
        assert await opened.sources("word1") != []
        await upsert(rows)  # type: ignore[arg-type]

    opened.index.upsert = look  # type: ignore[method-assign, assignment]
    assert await opened.corpus.embed_pending() == opened.corpus.state().chunks
    assert set(seen) == {None}
    assert opened.corpus.active_embedder == opened.embedder.embedder
    assert opened.corpus.state().version > version
    assert len(opened.vectors) == opened.corpus.state().chunks
    assert first not in opened.index.collections


async def test_going_back_to_the_first_embedder_finds_its_vectors_again(opened: Opened) -> None:
    await opened.corpus.add("a.md", prose("momentum"))
    opened.embedder.digest = "d2"
    opened.embedder.failures.append(DependencyUnavailable(Dependency.OLLAMA, "away"))
    assert await opened.corpus.embed_pending() == 0
    assert opened.corpus.active_embedder is None
    opened.embedder.digest = "d1"
    assert await opened.corpus.embed_pending() == 0
    assert opened.corpus.active_embedder == opened.embedder.embedder
    assert opened.corpus.state().pending_vectors == 0


async def test_embedding_that_breaks_off_goes_on_next_time(opened: Opened) -> None:
    opened.embedder.away = True
    for number in range(3):
        await opened.corpus.add(f"{number}.md", prose(f"word{number}"))
    opened.embedder.away = False
    chunks = opened.corpus.state().chunks
    embed, calls = opened.embedder.embed, 0

    async def twice(texts: list[str], **rest: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 6:
            raise DependencyUnavailable(Dependency.OLLAMA, "away")
        return await embed(texts, **rest)  # type: ignore[arg-type]

    opened.embedder.embed = twice  # type: ignore[method-assign, assignment]
    first = await opened.corpus.embed_pending()
    assert 0 < first < chunks
    assert 0 < opened.corpus.state().pending_vectors < chunks
    await opened.corpus.embed_pending()
    assert opened.corpus.state().pending_vectors == 0
    assert len(opened.vectors) == chunks


async def test_documents_can_be_added_and_deleted_while_others_are_embedded(opened: Opened) -> None:
    opened.embedder.away = True
    first = await opened.corpus.add("a.md", prose("momentum"))
    second = await opened.corpus.add("b.md", prose("reversal"))
    assert first.document is not None
    assert second.document is not None
    opened.embedder.away = False
    embed, inside = opened.embedder.embed, asyncio.Event()

    async def slow(texts: list[str], **rest: object) -> object:
        inside.set()
        await asyncio.sleep(0)
        return await embed(texts, **rest)  # type: ignore[arg-type]

    opened.embedder.embed = slow  # type: ignore[method-assign, assignment]
    sweep = asyncio.create_task(opened.corpus.embed_pending())
    await asyncio.wait_for(inside.wait(), 5)
    await opened.corpus.delete(first.document.id)
    await opened.corpus.add("c.md", prose("volatility"))
    await sweep
    assert opened.corpus.state().pending_vectors == 0
    assert len(opened.vectors) == opened.corpus.state().chunks


async def test_two_sweeps_at_once_embed_everything_once(opened: Opened) -> None:
    opened.embedder.away = True
    await opened.corpus.add("a.md", prose("momentum"))
    opened.embedder.away = False
    done = await asyncio.gather(opened.corpus.embed_pending(), opened.corpus.embed_pending())
    assert sorted(done) == [0, opened.corpus.state().chunks]


async def test_a_folder_stops_asking_an_embedder_that_went_away(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.md").write_bytes(prose(f"word{number}"))
    opened.embedder.failures.append(DependencyUnavailable(Dependency.OLLAMA, "away"))
    report = await opened.corpus.add_folder(str(folder))
    assert report.counts == {IngestResult.ADDED: 4}
    assert len(opened.embedder.calls) == 1
    assert all("vectors follow" in one.detail for one in report.results)
    assert opened.corpus.state().pending_vectors == opened.corpus.state().chunks


async def test_a_folder_reports_what_cannot_be_read_and_goes_on(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "big.txt").write_bytes(b"x" * (LIMITS.max_file_bytes + 1))
    (folder / "good.md").write_bytes(prose("momentum"))
    (folder / "out.md").symlink_to("/etc/hostname")
    report = await opened.corpus.add_folder(str(folder))
    assert [(one.source, one.result) for one in report.results] == [
        ("big.txt", IngestResult.REJECTED),
        ("good.md", IngestResult.ADDED),
        ("out.md", IngestResult.REJECTED),
    ]
    assert "limit" in report.results[0].detail
    assert "outside" in report.results[2].detail


async def test_a_folder_on_a_full_disk_is_reported_file_by_file(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.md").write_bytes(prose(f"word{number}", 100))
    await opened.corpus.add("first.md", prose("momentum"))
    with opened.file.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count={pages}")
    report = await opened.corpus.add_folder(str(folder))
    assert report.counts == {IngestResult.FAILED: 3}
    assert "full" in report.results[0].detail


async def test_one_file_is_as_good_as_a_folder(opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.md").write_bytes(prose("momentum"))
    (folder / "b.md").write_bytes(prose("reversal"))
    await opened.corpus.add_folder(str(folder))
    report = await opened.corpus.add_folder(str(folder / "a.md"), prune=True)
    assert report.counts == {IngestResult.UNCHANGED: 1}
    assert opened.corpus.state().documents == 2


async def test_the_second_close_does_nothing_and_later_calls_are_refused(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    await opened.close()
    await opened.corpus.close()
    assert added.document is not None
    for call in (
        opened.corpus.add("b.md", b"text"),
        opened.corpus.add_folder("."),
        opened.corpus.delete(added.document.id),
        opened.corpus.document_text(added.document.id),
        opened.corpus.embed_pending(),
    ):
        with pytest.raises(ServiceError) as caught:
            await call
        assert caught.value.kind is ErrorKind.SHUTTING_DOWN
    assert opened.corpus.state().documents == 1
    await opened.open()
