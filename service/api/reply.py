"""The headers of every reply, and a proper end for replies that were sent before the whole request was read."""

from starlette.types import Message, Send

from service.api.body import BodyBounds

# Answers are data for programs; the page at / brings its own policy.
_CSP = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
# Below this the rest of a body is already here, and dropping it costs nothing.
_SMALL_REST_BYTES = 65_536
# A browser or a client library sends all of a large file before it looks at the reply.
_LINGER_S = 10.0


class Reply:
    """Wraps `send` of one request."""

    __slots__ = ("_body", "_closing", "_request_id", "_send", "started")

    def __init__(self, send: Send, body: BodyBounds, request_id: str) -> None:
        self._send = send
        self._body = body
        self._request_id = request_id
        self._closing = False
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass on, with the common headers."""
        if message["type"] == "http.response.start":
            self.started = True
            self._mark(message)
        elif self._closing and not self._body.late and not message.get("more_body", False):
            # A connection closed over unread data is reset, and the client may never see why: let it read first.
            await self._send({**message, "more_body": True})
            await self._body.discard(_LINGER_S)
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _mark(self, message: Message) -> None:
        headers = [*message.get("headers", ()), (b"x-request-id", self._request_id.encode()), *_ALWAYS]
        names = {name for name, _ in headers}
        headers += [header for header in (_CSP, _NO_STORE) if header[0] not in names]
        if self._body.unread and self._body.rest_bytes() > _SMALL_REST_BYTES:
            self._closing = True
            headers.append((b"connection", b"close"))
        message["headers"] = headers
