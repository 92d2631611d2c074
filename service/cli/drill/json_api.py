"""A part of the installation that speaks JSON over HTTP; what it refuses or fails to answer is a `Failure`."""

import ssl
from functools import cache
from typing import Any

import httpx

from service.cli.failures import Failure

_TIMEOUT_S = 10.0
_REASON_CHARS = 300


class JsonApi:
    """The part called `name` at `url`; `todo` is what to do when it does not answer. Proxies are not asked."""

    def __init__(self, name: str, url: str, todo: str, timeout_s: float = _TIMEOUT_S) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self._todo = todo
        self._timeout_s = timeout_s

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, params=params)

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Its JSON; None when there is no content. Raises `Failure`."""
        reply = self.send(method, path, **request)
        if not reply.is_success:
            raise Failure(f"{self.name} at {self.url} refused {path}", reply.text.strip()[:_REASON_CHARS])
        if not reply.content:
            return None
        try:
            return reply.json()
        except ValueError as error:
            raise Failure(f"What answers at {self.url} is not {self.name}", todo=self._todo) from error

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Its answer, whatever the status. Raises `Failure`."""
        try:
            return httpx.request(
                method,
                self.url + path,
                timeout=self._timeout_s,
                trust_env=False,
                verify=_certificates(),
                **request,
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            why = "no reply in time" if isinstance(error, httpx.TimeoutException) else str(error).rpartition("] ")[2]
            raise Failure(f"{self.name} does not answer at {self.url}", why.lower(), todo=self._todo) from error


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: reading them costs more than a call, and a drill calls every second."""
    return ssl.create_default_context()
