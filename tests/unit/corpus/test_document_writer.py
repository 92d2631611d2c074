"""The order of writes: what is found when, and what each failure leaves behind."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.corpus.port import IngestResult
from service.errors import Dependency, DependencyUnavailable, ErrorKind, ServiceError, TooLarge
from tests.unit.corpus.opened import Opened, prose

AWAY = DependencyUnavailable(Dependency.CHROMA, "Chroma is away; start it")


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    made = await Opened(tmp_path).open()
    yield made
    await made.close()


def rows(opened: Opened, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(opened.path) as db:
        found = db.execute(query).fetchall()
    db.close()
    return found


async def test_a_document_is_found_by_word_and_by_vector(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    assert (added.document.embedded, added.detail) == (True, "")
    assert await opened.sources("momentum") != []
    assert len(opened.vectors) == added.document.chunks == opened.corpus.state().chunks
    assert opened.corpus.state().embedder == "fake-embed"
    assert opened.corpus.active_embedder == opened.embedder.embedder


async def test_nobody_finds_a_document_before_its_vectors_are_stored(opened: Opened) -> None:
    seen: list[tuple[list[str], int]] = []
    upsert = opened.index.upsert

    async def look(rows: object) -> None:
        seen.append((await opened.sources("momentum"), opened.corpus.state().documents))
        await upsert(rows)  # type: ignore[arg-type]

    opened.index.upsert = look  # type: ignore[method-assign, assignment]
    version = opened.corpus.state().version
    await opened.corpus.add("a.md", prose("momentum"))
    assert len(seen) > 1
    assert set(map(str, seen)) == {"([], 0)"}
    assert opened.corpus.state().version > version


async def test_replacing_shows_one_of_the_two_at_any_time(opened: Opened) -> None:
    await opened.corpus.add("a.md", prose("momentum shared"))
    old = {match.chunk_id for match in await opened.words.search("shared", 50)}
    replacing = asyncio.create_task(opened.corpus.add("a.md", prose("reversal shared")))
    seen: list[set[str]] = []
    while not replacing.done():
        seen.append({match.chunk_id for match in await opened.words.search("shared", 50)})
        await asyncio.sleep(0)
    assert (await replacing).result is IngestResult.REPLACED
    new = {match.chunk_id for match in await opened.words.search("shared", 50)}
    assert new
    assert old
    assert all(found in (old, new) for found in seen)
    assert await opened.sources("momentum") == []
    assert len(opened.vectors) == opened.corpus.state().chunks
    assert rows(opened, "SELECT count(*) FROM documents") == [(1,)]
    assert rows(opened, "SELECT count(*) FROM tombstones") == [(0,)]


async def test_deleting_removes_everywhere(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    await opened.corpus.delete(added.document.id)
    assert await opened.found("momentum") == []
    assert opened.vectors == set()
    for table in ("documents", "chunks", "tombstones", "words"):
        assert rows(opened, f"SELECT count(*) FROM {table}") == [(0,)]


async def test_the_version_rises_before_the_vectors_go(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    version = opened.corpus.state().version
    opened.index.failures.append(AWAY)
    await opened.corpus.delete(added.document.id)
    assert opened.corpus.state().version > version
    assert opened.vectors != set()
    assert await opened.found("momentum") == []


async def test_vectors_that_could_not_be_removed_go_with_the_next_write(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    opened.index.failures.append(AWAY)
    await opened.corpus.delete(added.document.id)
    await opened.corpus.add("b.md", prose("reversal"))
    assert len(opened.vectors) == opened.corpus.state().chunks
    assert rows(opened, "SELECT count(*) FROM tombstones") == [(0,)]


async def test_a_deleted_document_that_comes_back_keeps_its_vectors(opened: Opened) -> None:
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    opened.index.failures.append(AWAY)
    await opened.corpus.delete(added.document.id)
    opened.index.away = True
    await opened.corpus.add("a.md", prose("momentum"))
    opened.index.away = False
    await opened.corpus.embed_pending()
    assert len(opened.vectors) == opened.corpus.state().chunks > 0


@pytest.mark.parametrize("step", ["select", "upsert"])
async def test_an_index_that_is_away_costs_no_document(opened: Opened, step: str) -> None:
    if step == "upsert":
        await opened.corpus.add("first.md", prose("volatility"))
    opened.index.away = True
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.result is IngestResult.ADDED
    assert added.document is not None
    assert not added.document.embedded
    assert "Chroma is away" in added.detail
    assert await opened.sources("momentum") != []
    assert opened.corpus.state().pending_vectors == added.document.chunks
    opened.index.away = False
    assert await opened.corpus.embed_pending() == added.document.chunks
    assert opened.corpus.state().pending_vectors == 0
    assert opened.corpus.documents()[0].embedded
    assert len(opened.vectors) == opened.corpus.state().chunks


async def test_an_embedder_that_fails_costs_no_document(opened: Opened) -> None:
    opened.embedder.failures.append(DependencyUnavailable(Dependency.OLLAMA, "Ollama is away"))
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert "Ollama is away" in added.detail
    assert await opened.sources("momentum") != []


async def test_vectors_of_another_model_are_not_taken(opened: Opened) -> None:
    await opened.corpus.add("first.md", prose("volatility"))
    embed = opened.embedder.embed

    async def changed(texts: list[str], **rest: object) -> object:
        opened.embedder.digest = "d2"
        return await embed(texts, **rest)  # type: ignore[arg-type]

    opened.embedder.embed = changed  # type: ignore[method-assign, assignment]
    added = await opened.corpus.add("a.md", prose("momentum"))
    assert added.document is not None
    assert not added.document.embedded
    assert "changed" in added.detail


async def test_too_many_chunks_are_refused(opened: Opened) -> None:
    with pytest.raises(TooLarge, match="at most 50 are kept"):
        await opened.corpus.add("a.md", prose("momentum", 400))
    assert rows(opened, "SELECT count(*) FROM documents") == [(0,)]


async def test_a_full_disk_leaves_everything_as_it_was(opened: Opened) -> None:
    kept = await opened.corpus.add("a.md", prose("momentum"))
    with opened.file.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count={pages}")
    state = opened.corpus.state()
    with pytest.raises(ServiceError) as caught:
        await opened.corpus.add("b.md", prose("reversal", 90))
    assert caught.value.kind is ErrorKind.STORAGE_FULL
    assert "full" in caught.value.detail
    assert opened.corpus.state() == state
    assert await opened.sources("reversal") == []
    assert await opened.sources("momentum") != []
    with opened.file.reading() as db:
        db.execute("PRAGMA max_page_count=1000000")
    assert (await opened.corpus.add("b.md", prose("reversal", 90))).result is IngestResult.ADDED
    assert kept.document is not None
    assert await opened.corpus.document_text(kept.document.id) == prose("momentum").decode()


async def test_who_gives_up_waiting_leaves_nothing_behind(opened: Opened) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()
    upsert = opened.index.upsert

    async def hang(rows: object) -> None:
        await upsert(rows)  # type: ignore[arg-type]
        reached.set()
        await go_on.wait()

    opened.index.upsert = hang  # type: ignore[method-assign, assignment]
    adding = asyncio.create_task(opened.corpus.add("a.md", prose("momentum")))
    await asyncio.wait_for(reached.wait(), 5)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    opened.index.upsert = upsert  # type: ignore[method-assign]
    assert rows(opened, "SELECT count(*) FROM documents") == [(0,)]
    assert opened.vectors != set()
    await opened.corpus.add("b.md", prose("reversal"))
    assert len(opened.vectors) == opened.corpus.state().chunks
    assert (await opened.corpus.add("a.md", prose("momentum"))).result is IngestResult.ADDED


async def test_writers_take_turns_and_the_same_document_is_added_once(opened: Opened) -> None:
    adding = [opened.corpus.add("a.md", prose("momentum")) for _ in range(5)]
    results = [ingested.result for ingested in await asyncio.gather(*adding)]
    assert results.count(IngestResult.ADDED) == 1
    assert results.count(IngestResult.UNCHANGED) == 4
    many = [opened.corpus.add(f"{number}.md", prose(f"word{number}")) for number in range(8)]
    await asyncio.gather(*many)
    assert opened.corpus.state().documents == 9
    assert len(opened.vectors) == opened.corpus.state().chunks


async def test_a_folder_that_gives_what_another_gave_owns_it(opened: Opened, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_bytes(prose("momentum"))
    await opened.corpus.add_folder(str(tmp_path / "one"))
    version = opened.corpus.state().version
    report = await opened.corpus.add_folder(str(tmp_path / "two"))
    assert report.counts == {IngestResult.UNCHANGED: 1}
    assert opened.corpus.state().version == version
    (tmp_path / "one" / "a.md").rename(tmp_path / "one" / "b.md")
    report = await opened.corpus.add_folder(str(tmp_path / "one"), prune=True)
    assert report.removed == ()
    assert [document.source for document in opened.corpus.documents()] == ["a.md", "b.md"]


async def test_content_that_is_known_from_elsewhere_still_replaces(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.md").write_bytes(prose("momentum"))
    await opened.corpus.add("a.md", prose("reversal"))
    await opened.corpus.add_folder(str(tmp_path / "one"))
    assert opened.corpus.state().documents == 2
    (tmp_path / "one" / "a.md").write_bytes(prose("reversal"))
    report = await opened.corpus.add_folder(str(tmp_path / "one"))
    assert report.counts == {IngestResult.REPLACED: 1}
    assert await opened.sources("momentum") == []
    assert opened.corpus.state().documents == 1
    assert len(opened.vectors) == opened.corpus.state().chunks
