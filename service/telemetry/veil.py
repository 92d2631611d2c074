"""Keeps what a client sends out of the instrumentation: behind the veil a request has no query string, no address of
the client, and no header but the trace context; a reply has no headers. What is inside the instrumentation lifts it.

The instrumentation records query string, user agent and client address by itself and has no switch for them. Hiding
them also makes it quicker: it decodes every header several times.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_BEHIND = "service.veiled"
_HIDDEN = ("query_string", "headers", "client", "http_version")


class Veil:
    """ASGI middleware, outside the instrumentation. `shown` are names of headers that it may see, in small letters."""

    def __init__(self, app: App, shown: Collection[bytes]) -> None:
        self._app = app
        self._shown = frozenset(shown)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def uncovered(message: Message) -> None:
            hidden = message.pop(_BEHIND, None)
            if hidden is not None:
                message["headers"] = [*hidden, *message["headers"]]
            await send(message)

        hidden = {name: scope[name] for name in _HIDDEN if name in scope}
        shown = [header for header in scope["headers"] if header[0] in self._shown]
        veiled = {**scope, "query_string": b"", "headers": shown, "client": None, "http_version": "", _BEHIND: hidden}
        await self._app(veiled, receive, uncovered)


def lift(scope: Scope) -> bool:
    """Give the request back what was hidden. The span has its attributes by now. False when nothing was."""
    hidden = scope.pop(_BEHIND, None)
    if hidden is None:
        return False
    scope.update(hidden)
    return True


def cover(message: Message, headers: Iterable[tuple[bytes, bytes]]) -> Message:
    """A reply's beginning whose headers pass the instrumentation unseen."""
    return {**message, "headers": [], _BEHIND: headers}
