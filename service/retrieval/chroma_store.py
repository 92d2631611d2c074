"""Where Chroma runs: in this process over a folder, or behind a URL. Blocking; `chroma.py` calls it in worker threads.

Chroma's HTTP client has no deadline of its own, so each request gets ours: a silent server costs a thread for that
long, never for good.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import httpx

from service.errors import BadDependencyReply, Dependency, DependencyUnavailable, ErrorKind
from service.retrieval.folder_lock import FolderLock
from service.retrieval.vector_files import cut_short

_CONNECT_S = 1.0

# From settings of Chroma's own to its system and server objects, not started.
Build = Callable[..., tuple[Any, Any]]


class Store(Protocol):
    """Where Chroma is. Blocking; raises what Chroma raises, and `DependencyError`."""

    @property
    def trouble(self) -> str:
        """What to do when it does not work, for messages."""
        ...

    def open(self, build: Build) -> Any:
        """Chroma's `ServerAPI`, made by `build` at the first call; from then on the same one."""
        ...

    def close(self) -> None: ...

    def call(self, headers: Mapping[str, str], timeout_s: float) -> None:
        """Tell what the next requests of the calling thread carry, and how long each may take."""
        ...


class EmbeddedChroma:
    """Chroma in this process, its files in `folder`, which no other process may have open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FolderLock(folder)
        self._system: Any = None
        self._server: Any = None

    @property
    def trouble(self) -> str:
        return (
            f"check the disk; if the folder {self._folder.name} is damaged, stop the service and move that folder "
            "away: its vectors are made anew at the next start"
        )

    def open(self, build: Build) -> Any:
        if self._server is None:
            if not self._lock.take():
                detail = f"another process uses the folder {self._folder.name}; stop it, or use another data folder"
                raise DependencyUnavailable(Dependency.CHROMA, detail)
            try:
                self._require_whole()
                self._system, server = build(is_persistent=True, persist_directory=str(self._folder))
                self._system.start()
            except BaseException:
                self._system = None
                self._lock.release()
                raise
            self._server = server
        return self._server

    def _require_whole(self) -> None:
        damaged = cut_short(self._folder)
        if damaged is not None:
            detail = f"the vector index {damaged.name} was cut short; {self.trouble}"
            raise BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.CHROMA, detail)

    def close(self) -> None:
        if self._system is not None:
            self._system.stop()
        self._system = self._server = None
        self._lock.release()

    def call(self, headers: Mapping[str, str], timeout_s: float) -> None:
        """Nothing is sent."""


class _Sending(threading.local):
    """What the requests of one thread carry, and how long each may take."""

    headers: Mapping[str, str] = MappingProxyType({})
    timeout_s = 30.0


class RemoteChroma:
    """A Chroma server at `url` (http or https)."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        if self._url.scheme not in {"http", "https"} or not self._url.host:
            raise ValueError(f"{url!r} is no address of a Chroma server; write it like http://127.0.0.1:8000")
        self._now = _Sending()
        self._server: Any = None
        self._session: httpx.Client | None = None

    @property
    def trouble(self) -> str:
        return f"check that Chroma runs at {self._url.host}:{self._port}"

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    def open(self, build: Build) -> Any:
        if self._server is None:
            system, server = build(
                chroma_api_impl="chromadb.api.fastapi.FastAPI",
                chroma_server_host=self._url.host,
                chroma_server_http_port=self._port,
                chroma_server_ssl_enabled=self._url.scheme == "https",
            )
            # Chroma has no setting for deadlines, for headers that change, or against proxy variables.
            theirs: httpx.Client = server._session
            theirs.close()
            hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._prepare]}
            self._session = httpx.Client(headers=theirs.headers, event_hooks=hooks, trust_env=False)
            server._session = self._session
            system.start()
            self._server = server
        return self._server

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._server = self._session = None

    def call(self, headers: Mapping[str, str], timeout_s: float) -> None:
        self._now.headers, self._now.timeout_s = headers, timeout_s

    def _prepare(self, request: httpx.Request) -> None:
        request.headers.update(self._now.headers)
        allowed = httpx.Timeout(self._now.timeout_s, connect=min(_CONNECT_S, self._now.timeout_s))
        request.extensions["timeout"] = allowed.as_dict()
