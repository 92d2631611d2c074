"""Keeping the corpus complete in the background: the documents folder at the start, vectors once they can be made."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from service.corpus.port import Corpus, IngestReport
from service.errors import NotFound, ServiceError

_log = logging.getLogger(__name__)
_REPORT_EVERY = 50


class CorpusUpkeep:
    """Reads `folder` once, then embeds what waits every `every_s` seconds. A failure is logged and tried again.

    `news` is asked whether something worth embedding may be there (a cheap look); `close` it before the corpus.
    """

    def __init__(self, corpus: Corpus, folder: str, every_s: float, news: Callable[[], bool]) -> None:
        self._corpus = corpus
        self._folder = folder
        self._every_s = every_s
        self._news = news
        self._task: asyncio.Task[None] | None = None
        self._settled = corpus.state().documents > 0
        self._progress = "the documents folder is being read"

    @property
    def waiting(self) -> str:
        """What a first start is still busy with, in words; empty after it, and where documents were there before."""
        return "" if self._settled else self._progress

    def start(self) -> None:
        """Begin, and return at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="corpus upkeep")

    async def close(self) -> None:
        """Stop after the document at hand."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        await self._guarded(self._read_folder)
        self._settled = True
        while True:
            if self._news():
                await self._guarded(self._embed)
            await asyncio.sleep(self._every_s)

    async def _read_folder(self) -> None:
        try:
            _tell(await self._corpus.add_folder(self._folder, self._note, prune=True), self._folder)
        except NotFound:
            _log.warning("there is no documents folder %s: make it, or set RAG_DOCUMENTS_DIR", self._folder)
        state = self._corpus.state()
        _log.info("%d documents in %d passages can be asked about", state.documents, state.chunks)

    async def _embed(self) -> None:
        done = await self._corpus.embed_pending()
        if done:
            state = self._corpus.state()
            _log.info("embedded %d passages with %s, %d wait", done, state.embedder, state.pending_vectors)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except ServiceError as error:
            _log.warning("%s", error.detail)
        except Exception:
            _log.exception("the corpus could not be kept up; trying again")

    def _note(self, done: int, total: int, source: str) -> None:
        self._progress = f"reading the documents folder: {done} of {total}"
        if done % _REPORT_EVERY == 0:
            _log.info("%s (%s)", self._progress, source)


def _tell(report: IngestReport, folder: str) -> None:
    counts = ", ".join(f"{count} {result.value}" for result, count in report.counts.items())
    _log.info("read %s: %s", folder, counts or "no documents")
    for result in report.results:
        if result.document is None:
            _log.warning("%s: %s", result.source, result.detail)
    if report.removed:
        _log.info("removed %d documents that are no longer in %s", len(report.removed), folder)
