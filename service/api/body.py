"""The bounds on a request's body, counted while it arrives: size, time, encoding. Nothing is buffered here."""

import asyncio
import math
from collections.abc import Mapping

from starlette.types import Message, Receive, Scope

from service.errors import ErrorKind, ServiceError, TooLarge
from service.services import HttpLimits

# What one second more is given for: at 100 kB/s and faster a body of any size arrives in time.
_SLOWEST_BYTES_PER_S = 100_000
_LIMIT = "emini_rag.max_body_bytes"


def allow_body(scope: Scope, max_bytes: int) -> None:
    """Called by a route before it reads: this body may be larger than others."""
    scope[_LIMIT] = max_bytes


class BodyBounds:
    """Wraps `receive` of one request. Raises `TooLarge`, and `ServiceError` (BAD_REQUEST) for a slow or packed body."""

    __slots__ = ("_begun_at", "_headers", "_limits", "_receive", "_scope", "late", "received", "unread")

    def __init__(self, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes], limits: HttpLimits) -> None:
        self._scope = scope
        self._receive = receive
        self._headers = headers
        self._limits = limits
        self._begun_at: float | None = None
        self.received = 0
        self.late = False
        self.unread = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"

    async def receive(self) -> Message:
        """The next message, within the bounds. Waiting for a disconnect, once all is read, is not bounded."""
        if self._begun_at is not None and not self.unread:
            return await self._receive()
        if self._begun_at is None:
            self._begun_at = asyncio.get_running_loop().time()
            self._check_announced()
        return await self._receive_part(self._begun_at)

    def rest_bytes(self) -> float:
        """How much of the announced body has not been read; infinite when no length was announced."""
        length = self._headers.get(b"content-length", b"")
        return int(length[:20]) - self.received if length.isdigit() else math.inf

    async def discard(self, for_s: float) -> None:
        """Read on and throw away, so that a client that is still sending gets to read the reply."""
        try:
            async with asyncio.timeout(for_s):
                while (message := await self._receive()).get("more_body") and message["type"] == "http.request":
                    pass
        except TimeoutError:
            pass

    async def _receive_part(self, begun_at: float) -> Message:
        allowed_s = self._limits.body_timeout_s + self.received / _SLOWEST_BYTES_PER_S
        try:
            async with asyncio.timeout_at(begun_at + allowed_s):
                message = await self._receive()
        except TimeoutError:
            self.late = True
            detail = f"the request body did not arrive within {allowed_s:.0f} s; send it faster, or in a smaller piece"
            raise ServiceError(ErrorKind.BAD_REQUEST, detail) from None
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            self.unread = message.get("more_body", False)
            self._check_size(self.received)
        return message

    def _check_announced(self) -> None:
        if self._headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise ServiceError(ErrorKind.BAD_REQUEST, "compressed bodies are not accepted; send it without encoding")
        length = self._headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise ServiceError(ErrorKind.BAD_REQUEST, "the Content-Length header is not a number")
        self._check_size(int(length[:20]))

    def _check_size(self, size: int) -> None:
        limit = self._scope.get(_LIMIT, self._limits.max_body_bytes)
        if size > limit:
            raise TooLarge(f"the request body is larger than the {limit:,} bytes accepted here")
