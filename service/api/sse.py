"""Server-sent events: framing, and the response that relays an answer while it is being made.

The status is decided late: until the first piece of the answer, or `_HOLD_S`, nothing is sent, so that a refusal (no
place, no such model) is a proper error with its status and Retry-After, and not an event in a stream that began well.
Streams under way end with an error event, never by silence.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.errors import unexpected
from service.api.json_text import to_json
from service.api.relay import Relay
from service.api.watch import Watch
from service.ask.types import AskEvent, Done, Failed, Started
from service.errors import ErrorKind, ServiceError
from service.services import Draining

EVENT_STREAM = "text/event-stream"
# Long enough for every refusal that is decided at once, short enough for a page that shows the route early.
_HOLD_S = 0.25
# Proxies give up on a silent stream after 30 to 60 s.
_KEEP_ALIVE_S = 15.0
_KEEP_ALIVE = b": the answer is being made\n\n"


def frame(data: Any, event: str | None = None) -> bytes:
    """One event; `data` becomes JSON, which holds no line break."""
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    return name + b"data: " + to_json(data) + b"\n\n"


class Frames(Protocol):
    """One dialect of events."""

    def headers(self, head: list[AskEvent]) -> dict[str, str]:
        """Response headers; `head` is what is known when the reply begins."""
        ...

    def of(self, event: AskEvent) -> bytes:
        """The frames of one event; empty for one that this dialect does not tell. A failure's is in `failure`."""
        ...

    def failure(self, error: ServiceError) -> bytes:
        """The last frame of a stream that failed."""
        ...


class AnswerStream(Response):
    """Relays the events of `ask()` in the dialect of `frames`. `ask` is called once, when sending begins.
    After `keep_alive_s` without an event a comment is sent."""

    def __init__(
        self,
        ask: Callable[[], AsyncIterator[AskEvent]],
        frames: Frames,
        draining: Draining,
        keep_alive_s: float = _KEEP_ALIVE_S,
    ) -> None:
        self._ask = ask
        self._keep_alive_s = keep_alive_s
        self._frames = frames
        self._draining = draining
        self.status_code = 200
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI
        """Raises `ServiceError` for what fails before the reply has begun."""
        relay = Relay(self._ask())
        begun = False
        try:
            async with Watch(receive, self._draining):
                head = await _head(relay)
                begun = True
                await self._begin(head, send)
                await self._relay(head, relay, send)
        except Exception as error:
            if not begun:
                raise
            await self._break_off(error if isinstance(error, ServiceError) else unexpected(error), send)
        finally:
            await relay.close()

    async def _begin(self, head: list[AskEvent], send: Send) -> None:
        headers = {"content-type": EVENT_STREAM, "x-accel-buffering": "no", **self._frames.headers(head)}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})

    async def _relay(self, head: list[AskEvent], relay: Relay, send: Send) -> None:
        for event in head:
            if await self._tell(event, send):
                return
        while True:
            next_event = await relay.next(self._keep_alive_s)
            if next_event is None:
                await send({"type": "http.response.body", "body": _KEEP_ALIVE, "more_body": True})
            elif await self._tell(next_event, send):
                return

    async def _tell(self, event: AskEvent, send: Send) -> bool:
        """True after the last event."""
        last = isinstance(event, Done | Failed)
        body = self._frames.failure(event.error) if isinstance(event, Failed) else self._frames.of(event)
        if body or last:
            await send({"type": "http.response.body", "body": body, "more_body": not last})
        return last

    async def _break_off(self, error: ServiceError, send: Send) -> None:
        if error.kind is not ErrorKind.CANCELLED:  # nobody reads what a client that left would be told
            await send({"type": "http.response.body", "body": self._frames.failure(error), "more_body": False})


async def _head(relay: Relay) -> list[AskEvent]:
    """What came until the reply must begin. Raises the failure when that came first."""
    head: list[AskEvent] = []
    while not head or isinstance(head[-1], Started):
        event = await relay.next(_HOLD_S)
        if isinstance(event, Failed):
            raise event.error
        if event is None:
            break
        head.append(event)
    return head
