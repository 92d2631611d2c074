"""Following a folder: what changes in it changes in the corpus, until told to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable

from watchfiles import awatch

from service.corpus.port import Corpus, IngestReport
from service.errors import NotFound

# Changes that come within this time are taken together: an editor writes a file in several steps.
DEBOUNCE_MS = 400
_FIRST_LOOK_MS = 200


async def watch(
    corpus: Corpus,
    path: str,
    *,
    stop: asyncio.Event | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
    debounce_ms: int = DEBOUNCE_MS,
) -> AsyncIterator[IngestReport]:
    """A report of the whole folder at first, then one after each change; files that go are deleted. Ends when `stop`
    is set. Raises `NotFound` when the folder itself is or goes away; the documents then stay."""
    given: dict[str, str] = {}
    first = True
    try:
        # The first report comes once the watch is on, so that nothing is missed between the two.
        async for changes in awatch(
            path,
            stop_event=stop,
            debounce=debounce_ms,
            rust_timeout=_FIRST_LOOK_MS,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            if changes or first:
                first = False
                yield await _follow(corpus, path, on_progress, given)
    except FileNotFoundError as error:
        raise NotFound("the folder to watch is not here; name one that exists") from error


async def _follow(
    corpus: Corpus, path: str, on_progress: Callable[[int, int, str], None] | None, given: dict[str, str]
) -> IngestReport:
    """`given` holds the ids of what was there last time: a folder that is empty prunes nothing by itself."""
    report = await corpus.add_folder(path, on_progress, prune=True)
    removed = list(report.removed)
    if not report.results:
        for document_id, source in given.items():
            try:
                await corpus.delete(document_id)
            except NotFound:
                continue
            removed.append(source)
    given.clear()
    given.update((one.document.id, one.source) for one in report.results if one.document is not None)
    return IngestReport(report.results, tuple(removed), report.counts)
