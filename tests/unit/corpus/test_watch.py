"""Following a folder."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from service.corpus.port import Ingested, IngestReport, IngestResult
from service.corpus.watch import watch
from service.errors import NotFound
from tests.fakes.corpus import FakeCorpus

PATIENCE_S = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("Momentum traders buy what rose.")
    return tmp_path


async def following(reports: AsyncIterator[IngestReport]) -> IngestReport:
    return await asyncio.wait_for(anext(reports), PATIENCE_S)


def results(report: IngestReport) -> dict[str, IngestResult]:
    return {one.source: one.result for one in report.results if isinstance(one, Ingested)}


async def test_the_whole_folder_first_then_every_change(folder: Path) -> None:
    corpus = FakeCorpus()
    async with aclosing(watch(corpus, str(folder), debounce_ms=50)) as reports:
        assert results(await following(reports)) == {"a.md": IngestResult.ADDED}
        (folder / "b.md").write_text("A gap is a jump of the price.")
        assert results(await following(reports)) == {"a.md": IngestResult.UNCHANGED, "b.md": IngestResult.ADDED}
        (folder / "a.md").write_text("Momentum traders sell what fell.")
        assert results(await following(reports))["a.md"] is IngestResult.REPLACED
        (folder / "a.md").unlink()
        assert (await following(reports)).removed == ("a.md",)
        (folder / "b.md").unlink()
        assert (await following(reports)).removed == ("b.md",)
    assert list(corpus.documents()) == []


async def test_progress_is_passed_on_and_stopping_ends_it(folder: Path) -> None:
    stop = asyncio.Event()
    seen: list[tuple[int, int, str]] = []
    reports = watch(FakeCorpus(), str(folder), stop=stop, on_progress=lambda *step: seen.append(step), debounce_ms=50)
    await following(reports)
    assert seen == [(1, 1, "a.md")]
    stop.set()
    with pytest.raises(StopAsyncIteration):
        await following(reports)


async def test_a_folder_that_goes_away_deletes_nothing(folder: Path) -> None:
    corpus = FakeCorpus()
    reports = watch(corpus, str(folder / "docs"), debounce_ms=50)
    (folder / "docs").mkdir()
    (folder / "docs" / "a.md").write_text("Momentum traders buy what rose.")
    await following(reports)
    shutil.move(folder / "docs", folder / "elsewhere")
    with pytest.raises(NotFound):
        await following(reports)
    assert len(corpus.documents()) == 1


async def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await following(watch(FakeCorpus(), str(tmp_path / "nowhere")))
