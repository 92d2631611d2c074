"""The loader that the service uses: small plain text is read here, everything else in a process with limits.

The reading process is started on first need (about 0.1 s), kept warm, and replaced after a crash, a timeout or
`recycle_after` files, so that nothing a document did to it lasts. Files are read one at a time.
"""

import asyncio
import math

from service.corpus.loaders import wire
from service.corpus.loaders.names import safe_source
from service.corpus.loaders.parsing import SIMPLE, parse_simple, sniff
from service.corpus.loaders.port import LoadedDocument, ParseLimits
from service.corpus.loaders.sniffing import sniff_bytes
from service.corpus.loaders.worker_process import WorkerDied, WorkerProcess
from service.errors import ErrorKind, ServiceError, TooLarge, UnsupportedDocument

# Decoding this much takes about ten milliseconds, less than the event loop may stand still.
IN_PROCESS_BYTES = 256 << 10
# JSON takes at most six bytes for a character ("\u1234"), and a little for the rest.
_BYTES_PER_CHAR = 6
_REPLY_OVERHEAD = 1 << 16
_MIB = 1 << 20


class SandboxedLoader:
    """Implements `Loader`, on one event loop. Cancelling a `load` ends the process that was reading.

    `max_text_chars` bounds the extracted text. `close` must be called at the end, or the process is left to notice by
    itself that its input has ended.
    """

    def __init__(
        self,
        max_file_bytes: int,
        max_pages: int,
        parse_timeout_s: float,
        parse_memory_bytes: int,
        *,
        max_text_chars: int = 20_000_000,
        recycle_after: int = 200,
    ) -> None:
        self._max_file_bytes = max_file_bytes
        self._limits = ParseLimits(max_pages, max_text_chars)
        self._timeout_s = parse_timeout_s
        self._memory_bytes = parse_memory_bytes
        self._recycle_after = recycle_after
        self._worker: WorkerProcess | None = None
        self._turn = asyncio.Lock()

    @property
    def worker_pid(self) -> int | None:
        """The process that reads now or next; None before the first and between two."""
        return self._worker.pid if self._worker is not None and self._worker.alive else None

    async def load(self, name: str, content: bytes) -> LoadedDocument:
        """Raises `UnsupportedDocument`, `TooLarge`, or `ServiceError` (SERVER_ERROR) when no process can be started."""
        shown = safe_source(name)
        if len(content) > self._max_file_bytes:
            limit = _size(self._max_file_bytes)
            raise TooLarge(f"{shown} has {_size(len(content))}, above the limit of {limit}; split it into parts")
        if sniff_bytes(shown, content) is None and len(content) <= IN_PROCESS_BYTES:
            media_type, text = sniff(shown, content)
            if media_type in SIMPLE:
                return parse_simple(shown, media_type, text, self._limits)
        async with self._turn:
            return await self._load_apart(shown, content)

    async def close(self) -> None:
        """End the process. A `load` that still runs is waited for, at most until its deadline."""
        async with self._turn:
            await self._drop()

    async def _load_apart(self, name: str, content: bytes) -> LoadedDocument:
        # A process that has served before may have died since: what kills a fresh one too is the document's own fault.
        chances = 2 if self._worker is not None else 1
        for chance in range(1, chances + 1):
            try:
                return await self._read_apart(name, content)
            except WorkerDied as error:
                if error.for_cpu or chance == chances:
                    raise self._too_slow(name) if error.for_cpu else self._crashed(name) from error
        raise self._crashed(name)

    async def _read_apart(self, name: str, content: bytes) -> LoadedDocument:
        """Raises `WorkerDied`, and what `load` raises."""
        head, body = wire.request(name, content, self._limits, math.ceil(self._timeout_s))
        healthy = False
        try:
            worker = await self._ready()
            async with asyncio.timeout(self._timeout_s):
                answer = wire.read_reply(await worker.ask(head, body, self._max_reply_bytes()))
            healthy = answer is not None and worker.served < self._recycle_after
        except TimeoutError as error:
            raise self._too_slow(name) from error
        except wire.BadFrame as error:
            raise self._crashed(name) from error
        finally:
            # Also on cancellation: a process that is still reading must not outlive the one who asked.
            if not healthy:
                await self._drop()
        if answer is None:
            raise self._too_hungry(name)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    async def _ready(self) -> WorkerProcess:
        if self._worker is not None and not self._worker.alive:
            await self._drop()
        if self._worker is None:
            try:
                self._worker = await WorkerProcess.start(self._memory_bytes)
            except OSError as error:
                detail = "the process that reads documents cannot be started; free memory or processes and try again"
                raise ServiceError(ErrorKind.SERVER_ERROR, detail) from error
        return self._worker

    async def _drop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.kill()

    def _max_reply_bytes(self) -> int:
        return self._limits.max_text_chars * _BYTES_PER_CHAR + _REPLY_OVERHEAD

    def _too_slow(self, name: str) -> UnsupportedDocument:
        return UnsupportedDocument(
            f"{name} was not read within {self._timeout_s:g} s and was given up; split it, or export it as plain text"
        )

    def _too_hungry(self, name: str) -> UnsupportedDocument:
        return UnsupportedDocument(
            f"{name} needs more than {_size(self._memory_bytes)} of memory to read and was given up; "
            "split it, or export it as plain text"
        )

    def _crashed(self, name: str) -> UnsupportedDocument:
        return UnsupportedDocument(
            f"{name} broke the process that reads documents and was given up; it may be damaged or hostile: "
            "export it anew, or as plain text"
        )


def _size(count: int) -> str:
    return f"{count / _MIB:,.1f} MiB" if count >= _MIB else f"{count:,} bytes"
