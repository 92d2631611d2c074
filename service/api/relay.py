"""The events of one answer, read ahead by a task of their own, so that waiting for the next one can be bounded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import cast

from service.ask.types import AskEvent, AskResult, Done, Failed
from service.errors import ErrorKind, ServiceError

# What the asker may still do after its last event (end spans, write a record) before it is cancelled.
_LAST_WORDS_S = 5.0


def closing(events: AsyncIterator[AskEvent]) -> AbstractAsyncContextManager[AsyncIterator[AskEvent]]:
    """Ends the work behind `events` on leaving, whatever happened."""
    return aclosing(cast("AsyncGenerator[AskEvent, None]", events))


async def result_of(events: AsyncIterator[AskEvent]) -> AskResult:
    """The result, or the failure raised. Runs to the end, so that whoever wraps the events hears all of them."""
    last: AskEvent | None = None
    async with closing(events) as stream:
        async for event in stream:
            last = event
    if isinstance(last, Failed):
        raise last.error
    if not isinstance(last, Done):
        raise ServiceError(ErrorKind.SERVER_ERROR, "the answer ended without a result; ask again")
    return last.result


class Relay:
    """Reads `events` until they end. A slow reader holds no model: what it has not fetched waits here, and an
    answer's length bounds it."""

    def __init__(self, events: AsyncIterator[AskEvent]) -> None:
        self._waiting: asyncio.Queue[AskEvent | Exception] = asyncio.Queue()
        self._reading = asyncio.get_running_loop().create_task(self._read(events))
        self._complete = False

    async def next(self, timeout_s: float) -> AskEvent | None:
        """The next event, None when there is none within `timeout_s`. Raises what the events raised."""
        try:
            async with asyncio.timeout(timeout_s):
                event = await self._waiting.get()
        except TimeoutError:
            return None
        if isinstance(event, Exception):
            raise event
        self._complete = isinstance(event, Done | Failed)
        return event

    async def close(self) -> None:
        """Stop the work, or let it finish when its last event has been read."""
        if self._complete:
            await asyncio.wait({self._reading}, timeout=_LAST_WORDS_S)
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, events: AsyncIterator[AskEvent]) -> None:
        last: AskEvent | None = None
        try:
            async with closing(events) as stream:
                async for last in stream:
                    self._waiting.put_nowait(last)
        except Exception as error:  # raised again where the events are read
            self._waiting.put_nowait(error)
        if not isinstance(last, Done | Failed):
            self._waiting.put_nowait(
                ServiceError(ErrorKind.STREAM_ERROR, "the answer broke off before its end; ask again")
            )
