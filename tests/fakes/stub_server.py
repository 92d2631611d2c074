"""A server that says the same to everybody, whatever it is asked."""

from tests.fakes.http_listener import HttpListener, Request


class Stub(HttpListener):
    """A server that answers every request with `status`, `content` and `headers`; `seen` logs (method, path, key)."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.content = b"{}"
        self.headers = {"content-type": "application/json"}
        self.seen: list[tuple[str, str, str]] = []

    def get(self, request: Request) -> None:
        if "content-length" in request.headers:
            request.body()
        self.seen.append((request.command, request.path, request.headers.get("authorization", "")))
        request.reply(self.status, self.content, **self.headers)

    post = delete = get
