"""What stands before every route: one pure-ASGI layer that bounds and marks each exchange.

In order: a request id, the Host and Origin checks, the bounds on the body (counted while it is read), the headers of
every reply, and the last net for failures that nobody foresaw. It adds one function call to receiving and one to
sending; nothing here buffers, so streams and disconnects pass through unchanged.
"""

import secrets
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.body import BodyBounds
from service.api.errors import problem_response, unexpected
from service.api.hosts import AllowedHosts
from service.api.reply import Reply
from service.errors import ServiceError
from service.services import HttpLimits

_MAX_REQUEST_ID_CHARS = 128
_REQUEST_ID_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class Guard:
    """ASGI middleware. `trace_id` gives the current trace's id, "" for none."""

    def __init__(self, app: ASGIApp, limits: HttpLimits, trace_id: Callable[[], str]) -> None:
        self._app = app
        self._limits = limits
        self._hosts = AllowedHosts(limits.bound_host, limits.allowed_hosts)
        self._trace_id = trace_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _interesting(scope)
        body = BodyBounds(scope, receive, headers, self._limits)
        request_id = _request_id(headers.get(b"x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        reply = Reply(send, body, request_id)
        try:
            self._hosts.check(scope["method"], scope["headers"], headers)
            await self._app(scope, body.receive, reply.send)
        except ServiceError as error:
            await self._refuse(error, scope, reply)
        except Exception as error:  # the last net: told once, in the log
            await self._refuse(unexpected(error), scope, reply)

    async def _refuse(self, error: ServiceError, scope: Scope, reply: Reply) -> None:
        """When the reply has begun, leaving it unfinished is the only sign left: the server cuts the connection."""
        if not reply.started:
            await problem_response(error, self._trace_id(), scope["path"])(scope, _nothing, reply.send)


_INTERESTING = frozenset(
    (b"host", b"origin", b"content-length", b"content-encoding", b"transfer-encoding", b"x-request-id")
)


def _interesting(scope: Scope) -> dict[bytes, bytes]:
    """The headers that are looked at here; the last one wins where one comes twice (`Host` is counted apart)."""
    return {name: value for name, value in scope["headers"] if name in _INTERESTING}


def _request_id(given: bytes | None) -> str:
    """The client's own id when it is harmless in a header and a log line; else a new one."""
    if given is not None and 0 < len(given) <= _MAX_REQUEST_ID_CHARS:
        text = given.decode("latin-1")
        if _REQUEST_ID_CHARS.issuperset(text):
            return text
    return secrets.token_hex(8)


async def _nothing() -> Message:
    raise RuntimeError("a problem reads no body")
