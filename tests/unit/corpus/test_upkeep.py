"""Reading the folder at the start, and embedding what waits."""

import asyncio
import logging
from pathlib import Path

import pytest

from service.corpus.upkeep import CorpusUpkeep
from service.errors import ErrorKind, NotFound, ServiceError
from tests.fakes.corpus import FakeCorpus
from tests.fakes.waiting import until

EVERY_S = 0.001


def upkeep_of(corpus: FakeCorpus, folder: Path, *, news: bool = True) -> CorpusUpkeep:
    return CorpusUpkeep(corpus, str(folder), EVERY_S, lambda: news)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("# A\n\nSome text.")
    (tmp_path / "b.bin").write_bytes(b"\xff\xfe\x00")
    return tmp_path


async def test_the_folder_is_read_and_what_failed_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    corpus = FakeCorpus()
    upkeep = upkeep_of(corpus, folder)
    assert "being read" in upkeep.waiting
    with caplog.at_level(logging.INFO):
        upkeep.start()
        await until(lambda: ("embed_pending", "") in corpus.calls)
        await upkeep.close()
    assert [document.source for document in corpus.documents()] == ["a.md"]
    assert upkeep.waiting == ""
    assert any("b.bin" in record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)


async def test_what_has_been_there_before_is_enough_to_answer_from(folder: Path) -> None:
    corpus = FakeCorpus()
    await corpus.add("old.md", b"# Old\n\nSome text.")
    assert upkeep_of(corpus, folder).waiting == ""


async def test_a_first_start_waits_for_the_whole_folder(folder: Path) -> None:
    corpus = FakeCorpus()
    upkeep = upkeep_of(corpus, folder)
    await corpus.add("first.md", b"# First\n\nThe others are still to come.")
    assert "being read" in upkeep.waiting


async def test_vectors_are_made_once_there_is_an_embedder(folder: Path) -> None:
    corpus = FakeCorpus()
    upkeep = upkeep_of(corpus, folder)
    upkeep.start()
    await until(lambda: bool(corpus.documents()))
    corpus.embedder = "nomic"
    await until(lambda: corpus.state().pending_vectors == 0)
    await upkeep.close()


async def test_without_news_nothing_is_embedded(folder: Path) -> None:
    corpus = FakeCorpus(embedder="nomic")
    upkeep = upkeep_of(corpus, folder, news=False)
    upkeep.start()
    await until(lambda: upkeep.waiting == "" and bool(corpus.documents()))
    await asyncio.sleep(EVERY_S * 5)
    await upkeep.close()
    assert ("embed_pending", "") not in corpus.calls


@pytest.mark.parametrize("error", [ServiceError(ErrorKind.STORAGE_FULL, "the disk is full"), RuntimeError("a defect")])
async def test_a_failure_is_told_and_tried_again(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = FakeCorpus()
    corpus.failures.append(error)
    upkeep = upkeep_of(corpus, tmp_path)
    upkeep.start()
    await until(lambda: corpus.calls.count(("embed_pending", "")) >= 2)
    await upkeep.close()
    assert str(error) in caplog.text
    assert upkeep.waiting == ""


async def test_a_folder_that_is_not_there_is_told_and_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    corpus = FakeCorpus()
    corpus.failures.append(NotFound("nowhere is not here"))
    upkeep = upkeep_of(corpus, tmp_path / "nowhere")
    upkeep.start()
    await until(lambda: ("embed_pending", "") in corpus.calls)
    await upkeep.close()
    assert str(tmp_path / "nowhere") in caplog.text
    assert "RAG_DOCUMENTS_DIR" in caplog.text


async def test_closing_twice_or_before_the_start_is_harmless(tmp_path: Path) -> None:
    upkeep = upkeep_of(FakeCorpus(), tmp_path)
    await upkeep.close()
    upkeep.start()
    upkeep.start()
    await upkeep.close()
    await upkeep.close()
