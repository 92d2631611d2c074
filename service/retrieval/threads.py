"""Threads for calls that block (SQLite, Chroma), few and of our own, with the wait for a free one measured.

At most `size` calls run for those who wait for them. A call that nobody waits for any more (deadline passed, task
cancelled) cannot be stopped; it keeps its thread but gives its place to the next call, as long as there are at most
`spare` such calls. Beyond that the place stays taken until the call ends, so the number of threads is bounded too.
The threads are daemons: a call that hangs never keeps the process from ending. Belongs to one event loop.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any, Self, TypeVar

from service.clock import Clock, SystemClock

T = TypeVar("T")


class Waits:
    """Within `with Waits() as waits:`, `waits.longest_s` is the longest wait for a free thread of any call made there.

    Calls of tasks that are started inside count too. It spares ports that use threads from saying so in their results.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0

    def __enter__(self) -> Self:
        self._token = _WAITS.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _WAITS.reset(self._token)


_WAITS: ContextVar[Waits | None] = ContextVar("waits", default=None)


class WorkerThreads:
    """`size` calls at once, and as many abandoned ones beside them unless `spare` says otherwise."""

    def __init__(self, size: int, *, spare: int | None = None, clock: Clock | None = None) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1, got {size}")
        self.size = size
        self._spare = size if spare is None else spare
        self._clock: Clock = clock or SystemClock()
        self._places = asyncio.Semaphore(size)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._guard = threading.Lock()
        self._idle = 0
        self._threads = 0
        self._abandoned = 0
        self._closed = False

    @property
    def abandoned(self) -> int:
        """How many calls run on that nobody waits for, and that have given their place away."""
        return self._abandoned

    async def run(self, call: Callable[[], T], timeout_s: float | None = None) -> tuple[T, float]:
        """The call's value, and the seconds it waited for a free thread. Raises what the call raises.

        `TimeoutError` when waiting and running together take longer than `timeout_s`. What the call does after that
        still happens, so give writes no deadline unless they can be repeated. `RuntimeError` after `close`.
        """
        asked = self._clock.monotonic()
        async with asyncio.timeout(timeout_s):
            await self._places.acquire()
            job = _Job(call, self._clock)
            try:
                self._submit(job)
                value = await asyncio.wrap_future(job.future)
            finally:
                self._leave(job)
        waited_s = max(0.0, job.started - asked)
        waits = _WAITS.get()
        if waits is not None:
            waits.longest_s = max(waits.longest_s, waited_s)
        return value, waited_s

    def close(self) -> None:
        """Start nothing more. Idle threads end now, busy ones after their call. Never waits."""
        self._closed = True
        with self._guard:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _submit(self, job: "_Job") -> None:
        if self._closed:
            raise RuntimeError("the worker threads are closed")
        with self._guard:
            if self._idle > 0:
                self._idle -= 1
            elif self._threads < self.size + self._spare:
                self._threads += 1
                threading.Thread(target=self._work, name=f"worker-{self._threads}", daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.perform()
            # Or the last value would live until the next call.
            del job
            with self._guard:
                self._idle += 1

    def _leave(self, job: "_Job") -> None:
        """Free the place: now, or when a call ends that is one too many to leave behind."""
        if job.future.cancel() or job.future.done():
            self._places.release()
            return
        if self._abandoned < self._spare:
            self._abandoned += 1
            self._places.release()
            on_end = self._forget
        else:
            on_end = self._places.release
        loop = asyncio.get_running_loop()

        def tell(_: "Future[Any]") -> None:
            # The loop is closed when the call outlives the service.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(on_end)

        job.future.add_done_callback(tell)

    def _forget(self) -> None:
        self._abandoned -= 1


class _Job:
    """One call, its result, and when it began."""

    def __init__(self, call: Callable[[], Any], clock: Clock) -> None:
        self.future: Future[Any] = Future()
        self.started = 0.0
        self._call: Callable[[], Any] | None = call
        self._clock = clock

    def perform(self) -> None:
        call, self._call = self._call, None
        if call is None or not self.future.set_running_or_notify_cancel():
            return
        self.started = self._clock.monotonic()
        try:
            value = call()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(value)
