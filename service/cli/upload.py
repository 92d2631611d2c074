"""Files to a running service, one after the other, under the names that a folder's files have in the corpus."""

from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

from service.cli.client import ServiceClient
from service.cli.failures import Failure, Unreachable
from service.clock import Clock
from service.corpus.folder import FoundFile, Scan, read
from service.corpus.port import Ingested, IngestReport, IngestResult
from service.errors import ErrorKind, ServiceError

# What would fail for every other file too.
_HOPELESS = frozenset(
    {ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN, ErrorKind.STORAGE_FULL, ErrorKind.SHUTTING_DOWN, ErrorKind.NOT_FOUND}
)
_REJECTIONS = frozenset({ErrorKind.UNSUPPORTED_DOCUMENT, ErrorKind.TOO_LARGE, ErrorKind.INVALID_QUESTION})


def upload_all(
    service: ServiceClient,
    found: Scan,
    max_bytes: int,
    advance: Callable[[int, int, str], None],
    clock: Clock,
    *,
    only: Collection[Path] | None = None,
) -> IngestReport:
    """Send the files of a folder; those in `only` (real paths), if given. One that fails is reported, and the rest
    goes on. Raises `Failure` when the others would fail as well."""
    files = [file for file in found.files if only is None or file.path in only]
    results = []
    for number, file in enumerate(files, 1):
        advance(number - 1, len(files), file.source)
        results.append(_upload(service, file, max_bytes, clock))
        advance(number, len(files), file.source)
    return IngestReport(tuple(results), (), Counter(one.result for one in results))


def _upload(service: ServiceClient, file: FoundFile, max_bytes: int, clock: Clock) -> Ingested:
    begun = clock.monotonic()
    try:
        reply = service.upload("/documents", file.source, read(file, max_bytes))
        result, detail = IngestResult(reply["result"]), ""
    except Unreachable:
        raise
    except Failure as error:
        if error.kind in _HOPELESS:
            raise
        result = IngestResult.REJECTED if error.kind in _REJECTIONS else IngestResult.FAILED
        detail = error.why or error.what
    except ServiceError as error:
        result = IngestResult.REJECTED if error.kind in _REJECTIONS else IngestResult.FAILED
        detail = error.detail
    return Ingested(file.source, result, None, detail, clock.monotonic() - begun)
