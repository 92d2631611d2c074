"""A receiver of webhooks: keeps every JSON body that is posted to it."""

import json
from typing import Any

from tests.fakes.http_listener import HttpListener, Request


class Webhook(HttpListener):
    """Listens at `url`; `calls` logs the bodies in the order of arrival."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def post(self, request: Request) -> None:
        self.calls.append(json.loads(request.body()))
        request.reply(200)
