"""Identical work done once: the first to ask starts a stream, all who ask while it runs read it from its beginning.

The work runs in one task of its own, created by the leader's `join` and so in the leader's context. Who leaves stops
nothing for the others; when the last one leaves, the work is cancelled and waited for. A finished key is free at
once. Belongs to one event loop. Memory: the events of running work, and of finished work still being read.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from service.errors import ErrorKind, ServiceError

_log = logging.getLogger(__name__)
T = TypeVar("T")


class SingleFlight(Generic[T]):
    """The running works, by key. `stop_s` is the longest wait for cancelled work to clean up after itself."""

    def __init__(self, stop_s: float = 2.0) -> None:
        self._stop_s = stop_s
        self._running: dict[str, _Work[T]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def join(self, key: str, start: Callable[[], AsyncIterator[T]]) -> "Flight[T]":
        """Take part in the work for `key`, starting it when nobody does. Use the flight in `async with` at once.

        Raises `ServiceError` (SHUTTING_DOWN) after `close`.
        """
        if self._closed:
            raise _stopped(ErrorKind.SHUTTING_DOWN)
        work = self._running.get(key)
        leader = work is None
        if work is None:
            work = _Work(lambda: self._release(key), self._stop_s)
            self._running[key] = work
            work.begin(start, key)
            self._tasks.add(work.task)
            work.task.add_done_callback(self._tasks.discard)
        return Flight(work, leader=leader)

    def running(self, key: str) -> bool:
        """Whether there is a work for `key` that `join` would take part in."""
        return key in self._running

    def in_flight(self) -> int:
        """How many works are running."""
        return len(self._running)

    async def close(self) -> None:
        """Stop all work; those who wait for it get `ServiceError` (SHUTTING_DOWN)."""
        self._closed = True
        for work in list(self._running.values()):
            work.finish(_stopped(ErrorKind.SHUTTING_DOWN))
        await _stop(self._tasks, self._stop_s)

    def _release(self, key: str) -> None:
        del self._running[key]


class Flight(Generic[T]):
    """One follower's part in a work. Leave it by `async with` or `aclose`; `leader` marks the one who started it."""

    def __init__(self, work: "_Work[T]", *, leader: bool) -> None:
        self.leader = leader
        self._work = work
        self._left = False
        work.followers += 1

    async def events(self) -> AsyncGenerator[T, None]:
        """Everything from the first event on; then ends, or raises what the work raised."""
        work, position = self._work, 0
        while True:
            while position < len(work.events):
                yield work.events[position]
                position += 1
            if work.finished:
                break
            await work.news()
        if work.error is not None:
            # Each reader adds its frames to a traceback of its own, not to the one that all of them share.
            raise work.error.with_traceback(work.traceback)

    def __aiter__(self) -> AsyncIterator[T]:
        return self.events()

    async def aclose(self) -> None:
        """Leave. The last one to leave unfinished work stops it, and waits until it has stopped."""
        if self._left:
            return
        self._left = True
        self._work.followers -= 1
        if self._work.followers == 0 and not self._work.finished:
            self._work.finish(_stopped(ErrorKind.CANCELLED))
            await _stop({self._work.task}, self._work.stop_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class _Work(Generic[T]):
    """One stream being produced: its events so far, and how it ended. Readers never hold up the producer."""

    def __init__(self, release: Callable[[], None], stop_s: float) -> None:
        self.stop_s = stop_s
        self.events: list[T] = []
        self.followers = 0
        self.finished = False
        self.error: Exception | None = None
        self.traceback: TracebackType | None = None
        self.task: asyncio.Task[None]
        self._release = release
        self._news: asyncio.Future[None] | None = None

    def begin(self, start: Callable[[], AsyncIterator[T]], key: str) -> None:
        self.task = asyncio.create_task(self._produce(start), name=f"single flight {key[:12]}")
        self.task.add_done_callback(self._end)

    def finish(self, error: Exception | None) -> None:
        """Fix how the work ended, free its key, and tell the readers. Only the first call counts."""
        if self.finished:
            return
        self.finished = True
        self.error = error
        self.traceback = error.__traceback__ if error is not None else None
        self._release()
        self._tell()

    def _end(self, task: asyncio.Task[None]) -> None:
        """The last net: a task cancelled before its first step runs none of its code, and `_produce` lets a
        `BaseException` through."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("shared work ended by %s", type(error).__name__)
        self.finish(_stopped(ErrorKind.CANCELLED))

    async def news(self) -> None:
        """Wait for the next event or the end."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        # Shielded, because the future is shared: a reader that is cancelled must not cancel it for the others.
        await asyncio.shield(self._news)

    async def _produce(self, start: Callable[[], AsyncIterator[T]]) -> None:
        try:
            stream = start()
            try:
                async for event in stream:
                    self.events.append(event)
                    self._tell()
            finally:
                close = getattr(stream, "aclose", None)
                if close is not None:
                    await close()
            self.finish(None)
        except Exception as error:
            if self.finished:
                # Nobody is left to hear of it: they have gone, or were told of the shutdown.
                _log.warning("stopped work failed while it was cleaning up: %s", type(error).__name__)
            self.finish(error)

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None and not news.done():
            news.set_result(None)


async def _stop(tasks: set[asyncio.Task[None]], timeout_s: float) -> None:
    """Cancel, and wait a bounded time until they have ended."""
    waiting = set(tasks)
    for task in waiting:
        task.cancel()
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=timeout_s)
        if late:
            _log.warning("%d cancelled works have not ended after %g s", len(late), timeout_s)


def _stopped(kind: ErrorKind) -> ServiceError:
    if kind is ErrorKind.SHUTTING_DOWN:
        return ServiceError(kind, "the service is stopping; ask again in a moment", retry_after_s=5.0)
    return ServiceError(kind, "the shared work for this answer was stopped; ask again")
