"""Whether everything that the service leans on is there: what `/readyz` shows and the dependency gauges read.

Probes run side by side, each waited for at most `timeout_s`; their results are kept for `fresh_s`, so that however
often readiness is asked for, dependencies are looked at once in that time. While something that is required is missing
they are kept for `anxious_s` only, so that readiness follows a start at once. A probe that hangs is not started again
while it hangs. A probe never raises: what goes wrong becomes a detail that says what to do.

Only what makes every answer impossible is `required`: the documents' store, and at a first start the documents. Without
room on the disk nothing new is kept; without Ollama, Chroma or a cache answers are poorer, and say so themselves. Where
telemetry goes is no dependency.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.ask.types import Degradation
from service.clock import Clock
from service.errors import Dependency, ServiceError
from service.monitoring.port import Monitor, SlowLog
from service.retrieval.port import KeywordIndex, VectorIndex
from service.routing.port import ModelDirectory
from service.services import DependencyStatus

DATA_FOLDER = "data_folder"
DOCUMENTS = "documents"
SLOW_LOG = "slow_log"
# Told well before the start is refused (`data_folder.MIN_FREE_BYTES`).
MIN_FREE_BYTES = 200 << 20
# How many of the latest requests tell whether the cache's store works.
_LATEST = 5

Look = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at one dependency. `look` returns an empty text when all is well, else what is wrong and what to do."""

    name: str
    required: bool
    look: Look


class DependencyProbes:
    """Implements `Probes`. Belongs to one event loop; `close` it at the end."""

    def __init__(
        self,
        probes: Sequence[Probe],
        clock: Clock,
        *,
        timeout_s: float = 0.5,
        fresh_s: float = 2.0,
        anxious_s: float = 0.1,
    ) -> None:
        self._probes = tuple(probes)
        self._clock = clock
        self._timeout_s = timeout_s
        self._fresh_s = fresh_s
        self._anxious_s = anxious_s
        self._running: dict[str, asyncio.Task[str]] = {}
        self._lock = asyncio.Lock()
        self._known: tuple[DependencyStatus, ...] = ()
        self._known_at_s = float("-inf")

    async def check(self) -> tuple[DependencyStatus, ...]:
        """See `Probes.check`."""
        async with self._lock:
            ready = all(status.ok for status in self._known if status.required)
            if self._clock.monotonic() - self._known_at_s >= (self._fresh_s if ready else self._anxious_s):
                self._known = await self._look()
                self._known_at_s = self._clock.monotonic()
            return self._known

    async def close(self) -> None:
        """Stop the probes that still hang."""
        hanging = list(self._running.values())
        self._running.clear()
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    async def _look(self) -> tuple[DependencyStatus, ...]:
        for probe in self._probes:
            if probe.name not in self._running:
                self._running[probe.name] = asyncio.create_task(_told(probe.look), name=f"probe {probe.name}")
        if self._running:
            await asyncio.wait(self._running.values(), timeout=self._timeout_s)
        return tuple(self._status(probe) for probe in self._probes)

    def _status(self, probe: Probe) -> DependencyStatus:
        task = self._running[probe.name]
        if task.done():
            del self._running[probe.name]
            detail = "the look at it was stopped" if task.cancelled() else task.result()
        else:
            detail = f"no answer within {self._timeout_s:g} s: it hangs or is overloaded"
        return DependencyStatus(probe.name, not detail, probe.required, detail)


def ollama_probe(directory: ModelDirectory, url: str) -> Probe:
    """Reads the last poll; makes no call of its own."""

    async def look() -> str:
        snapshot = directory.snapshot()
        if not snapshot.reachable:
            if not snapshot.polled_at:
                return f"not looked at yet; {url} is asked every few seconds"
            return (
                f"no answer from {url}: start Ollama there, or set RAG_OLLAMA__URL; until then answers are quotations"
            )
        missing = sorted(name for name, model in snapshot.models.items() if not model.installed)
        if snapshot.models and len(missing) == len(snapshot.models):
            return "no configured model is installed: run `emini-rag models pull --all`"
        return ""

    return Probe(Dependency.OLLAMA, required=False, look=look)


def chroma_probe(index: VectorIndex) -> Probe:
    """Asks for a sign of life."""

    async def look() -> str:
        await index.ping()
        return ""

    return Probe(Dependency.CHROMA, required=False, look=look)


def sqlite_probe(index: KeywordIndex) -> Probe:
    """Searches for a word, as every question does."""

    async def look() -> str:
        await index.search("readiness", 1)
        return ""

    return Probe(Dependency.SQLITE, required=True, look=look)


def documents_probe(waiting: Callable[[], str]) -> Probe:
    """At the very first start there is nothing to answer from until the folder has been read; `waiting` says so."""

    async def look() -> str:
        return waiting()

    return Probe(DOCUMENTS, required=True, look=look)


def cache_probe(monitor: Monitor) -> Probe:
    """Looks at how the latest requests fared: a lookup of its own would be counted as a miss."""

    async def look() -> str:
        latest = [query.record for query in monitor.recent(_LATEST) if query.record.cache is not None]
        if latest and Degradation.CACHE_UNAVAILABLE in latest[-1].degraded:
            return "the store behind the cache fails; answers are kept in memory only: see RAG_CACHE__URL and the log"
        return ""

    return Probe(Dependency.CACHE, required=False, look=look)


def slow_log_probe(slow_log: SlowLog) -> Probe:
    """What the slow log says of itself: without its file slow queries are forgotten at the end of the process."""

    async def look() -> str:
        return (await slow_log.kept()).problem

    return Probe(SLOW_LOG, required=False, look=look)


def data_folder_probe(folder: Path, min_free_bytes: int = MIN_FREE_BYTES) -> Probe:
    """Writes a small file and removes it, and looks at the room left. A service with a full disk still answers."""

    async def look() -> str:
        return await asyncio.to_thread(folder_problem, folder, min_free_bytes)

    return Probe(DATA_FOLDER, required=False, look=look)


def folder_problem(folder: Path, min_free_bytes: int = MIN_FREE_BYTES) -> str:
    """Why nothing can be kept in `folder`, and what to do; empty when all is well. Blocking."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return f"{folder} cannot be written to ({error.strerror}): make it writable, or set RAG_DATA_DIR to another one"
    if free < min_free_bytes:
        return f"only {free >> 20} MiB are free for {folder}: free some space, {min_free_bytes >> 20} MiB are needed"
    return ""


async def _told(look: Look) -> str:
    try:
        return await look()
    except ServiceError as error:
        return error.detail
    except Exception as error:  # whatever it is, readiness must be able to say it
        return f"failed with {type(error).__name__}; see the log"
