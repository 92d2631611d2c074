"""Talking to a running service over HTTP: where it is, which key, and what its failures mean.

The key comes from RAG_API_KEY or from a file that only its owner can read, never from the command line, which every
user of the machine can see. Proxies of the environment are not used for loopback. Every wait is bounded.
"""

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import httpx
import typer

from service.cli.failures import USAGE, Failure, Unreachable, problem_failure
from service.settings import Settings

_CONNECT_S = 2.0
# The service keeps its own deadline and answers with a problem then; this is for one that does neither.
_GRACE_S = 30.0
_OTHERS = 0o077
_USERINFO = re.compile("//[^/?#]*@")


class ServiceClient:
    """One service. `timeout_s` bounds the wait between two pieces of a reply. Raises `Failure`, `Unreachable`.

    `url` is for showing: a name and password that a proxy wants are sent, and not shown.
    """

    def __init__(self, url: str, key: str = "", timeout_s: float = 150.0) -> None:
        self.url = _USERINFO.sub("//", url.rstrip("/"))
        try:
            self._http = httpx.Client(
                base_url=url.rstrip("/"),
                headers={"authorization": f"Bearer {key}"} if key else {},
                timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S),
                trust_env=not _is_loopback(self.url),
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise _not_an_address(self.url) from error

    def get(self, path: str, **params: str | int | float | Sequence[str]) -> dict[str, Any]:
        return self._call("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, json=body)

    def delete(self, path: str) -> dict[str, Any]:
        return self._call("DELETE", path)

    def upload(self, path: str, name: str, content: bytes) -> dict[str, Any]:
        """One document as the form field `file`."""
        return self._call("POST", path, files={"file": (name, content)})

    def answers(self) -> bool:
        """Whether a service of ours listens there."""
        try:
            self.get("/healthz")
        except Unreachable:
            return False
        return True

    def stream(self, path: str, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Server-sent events as (event, data). Closing the iterator closes the connection, which stops the work."""
        with self._failures(), self._http.stream("POST", path, json=body) as reply:
            if reply.status_code != httpx.codes.OK:
                reply.read()
            if _media_type(reply) != "text/event-stream":
                reply.read()
                _checked(reply, self.url)
                raise _stranger(self.url)
            try:
                yield from server_sent(lines_of(reply.iter_bytes()))
            except ValueError as error:
                raise _stranger(self.url) from error

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        with self._failures():
            return _checked(self._http.request(method, path, **request), self.url)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreachable(self.url, _reason(error)) from error
        except httpx.TimeoutException as error:
            raise Failure(f"The service at {self.url} stopped answering", "no reply in time") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise _not_an_address(self.url) from error
        except httpx.TransportError as error:
            raise Failure(f"The connection to {self.url} broke off", _reason(error), todo="Try again.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream of bytes, ended by a line feed alone: httpx and `str.splitlines` end lines at U+2028 and
    others too, which JSON may hold."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def server_sent(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(event, data) of every server-sent event with JSON data; comments and other fields are passed over."""
    event, data = "", []
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            event = value.strip()
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield event, json.loads("\n".join(data))
            event, data = "", []


def connect(
    settings: Settings, url: str | None, key_file: Path | None, timeout_s: float | None = None
) -> ServiceClient:
    """The client for the service that the settings name, or `url`; it waits as long as an answer may take."""
    key = key_of(settings, key_file)
    return ServiceClient(url or address_of(settings), key, timeout_s or settings.deadlines.total_s + _GRACE_S)


def address_of(settings: Settings) -> str:
    """Where the service of these settings listens, seen from this machine."""
    host = settings.server.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{settings.server.port}"
    if address.is_unspecified:
        host = "127.0.0.1"
    elif address.version == 6:
        host = f"[{host}]"
    return f"http://{host}:{settings.server.port}"


def key_of(settings: Settings, key_file: Path | None) -> str:
    """The key from `key_file`, else from the environment, else none. Raises `Failure`."""
    if key_file is None:
        key = settings.api_key.get_secret_value().strip()
    else:
        if key_file.stat().st_mode & _OTHERS:
            todo = f"Run `chmod 600 {key_file}`, and replace the key if others use this machine."
            raise Failure(f"{key_file} can be read by others", todo=todo, code=USAGE)
        key = key_file.read_text(encoding="utf-8", errors="replace").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        where = key_file or "RAG_API_KEY"
        raise Failure(f"{where} does not hold an API key", "a key is one word that begins with erag_", code=USAGE)
    return key


def _refuse_key(value: str | None) -> None:
    if value is not None:
        raise typer.BadParameter(
            "a key on the command line can be seen by every user of this machine, and stays in the shell's history: "
            "put it into RAG_API_KEY or into a file (--key-file), and revoke it if others use this machine"
        )


Url = Annotated[str | None, typer.Option(help="Address of the service, instead of the one that the settings name.")]
KeyFile = Annotated[Path | None, typer.Option(help="File that holds the API key; else RAG_API_KEY is used.")]
# Accepted to be refused with a reason.
KeyInArgv = Annotated[str | None, typer.Option("--key", hidden=True, callback=_refuse_key)]


def _checked(reply: httpx.Response, url: str) -> dict[str, Any]:
    try:
        content = reply.json()
    except ValueError as error:
        raise _stranger(url) from error
    if not isinstance(content, dict):
        raise _stranger(url)
    if reply.is_success:
        return content
    if "kind" not in content:
        raise _stranger(url)
    raise problem_failure(content, reply.headers.get("retry-after", ""))


def _media_type(reply: httpx.Response) -> str:
    return str(reply.headers.get("content-type", "")).partition(";")[0].strip()


def _stranger(url: str) -> Failure:
    todo = "Check --url, RAG_SERVER__HOST and RAG_SERVER__PORT."
    return Failure(f"What answers at {url} is not this service", todo=todo)


def _not_an_address(url: str) -> Failure:
    return Failure(f"{url} is no address", "it must look like http://127.0.0.1:8001", code=USAGE)


def _reason(error: Exception) -> str:
    """The system's words, without its numbers."""
    text = str(error).partition("] ")[2] or str(error)
    return text[:1].lower() + text[1:]


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
