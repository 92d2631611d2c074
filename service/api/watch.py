"""Ends the work of a request as soon as nobody waits for it any more, or the server may not wait any longer."""

import asyncio
from types import TracebackType

from starlette.types import Receive

from service.errors import ErrorKind, ServiceError
from service.services import Draining

_RETRY_AFTER_S = 5.0


class Watch:
    """`async with`: the task inside is cancelled when the client leaves or the drain time is over; the block then
    raises `ServiceError` (CANCELLED, SHUTTING_DOWN). Use it after the body was read, once per request at a time.

    It begins when the work first waits for something, so that an answer from the cache pays next to nothing for it.
    """

    def __init__(self, receive: Receive, draining: Draining) -> None:
        self._receive = receive
        self._draining = draining
        self._reason: ServiceError | None = None

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a watch needs a task to watch")
        self._task = task
        self._cancelling = task.cancelling()
        self._watcher: asyncio.Task[None] | None = None
        self._beginning = asyncio.get_running_loop().call_soon(self._begin)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beginning.cancel()
        if self._watcher is not None:
            self._forget()
            self._watcher.cancel()
        if self._reason is not None and kind is asyncio.CancelledError and self._task.uncancel() <= self._cancelling:
            raise self._reason from None

    def _begin(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._until_gone())
        self._forget = self._draining.on_cut(self._cut)

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._stop(ServiceError(ErrorKind.CANCELLED, "the client left before the answer was ready"))

    def _cut(self) -> None:
        detail = "the service is stopping and could not finish this answer; ask again in a moment"
        self._stop(ServiceError(ErrorKind.SHUTTING_DOWN, detail, retry_after_s=_RETRY_AFTER_S))

    def _stop(self, reason: ServiceError) -> None:
        if self._reason is None:
            self._reason = reason
            self._task.cancel()
