"""Listening, and leaving in good order.

On SIGTERM or SIGINT: not ready and nothing new from that moment, while whoever is being answered gets up to `drain_s`;
then streams end with an error event and other requests with a 503, and the application closes. A second signal skips
the wait. The listener stays open until the answers are done, so that probes see the 503 and not a refused connection.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Generator
from dataclasses import dataclass
from types import FrameType
from typing import Any

import uvicorn

from service.connection import BoundedConnection
from service.drain import Drain

_log = logging.getLogger(__name__)

# What cut answers get to say so.
_LAST_WORDS_S = 2.0
_LOOK_EVERY_S = 0.05
# Longer than the idle time of the usual proxies and clients, so that they and not we close first.
_KEEP_ALIVE_S = 75
_UNAVAILABLE = 69  # sysexits.h: EX_UNAVAILABLE


class CannotListen(Exception):
    """The address cannot be used; the message says why and what to do. `exit_code` is for the process."""

    exit_code = _UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and the open socket it answers on."""

    app: Any
    socket: socket.socket

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port


def open_socket(host: str, port: int, setting: str = "RAG_SERVER__PORT") -> socket.socket:
    """A bound socket; port 0 takes a free one. Done before anything else is started, so that a second instance fails
    at once. Raises `CannotListen`; `setting` is the variable that would choose another port."""
    where = f"{host or 'all addresses'}, port {port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind)
    except OSError as error:
        raise CannotListen(f"cannot listen on {where}: {error.strerror or error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise CannotListen(_why(error, where, setting)) from error
    return listening


class Server:
    """Serves `main`, and `metrics` beside it, until a signal comes or `stop` is called."""

    def __init__(
        self,
        main: Listener,
        drain: Drain,
        *,
        drain_s: float = 5.0,
        metrics: Listener | None = None,
        connection: type[BoundedConnection] = BoundedConnection,
    ) -> None:
        self._main = main
        self._metrics = metrics
        self._connection = connection
        self._draining = _DrainingServer(_config(main.app, connection, lifespan="on"), drain, drain_s)

    async def run(self) -> None:
        """Until stopped; the application is closed by then. Call it in the main thread, where signals arrive."""
        async with asyncio.TaskGroup() as group:
            beside = self._serve_metrics(group)
            try:
                await self._draining.serve(sockets=[self._main.socket])
            finally:
                if beside is not None:
                    beside.should_exit = True

    def stop(self) -> None:
        """As a signal does."""
        self._draining.leave()

    def _serve_metrics(self, group: asyncio.TaskGroup) -> uvicorn.Server | None:
        if self._metrics is None:
            return None
        server = _QuietServer(_config(self._metrics.app, self._connection, lifespan="off"))
        group.create_task(server.serve(sockets=[self._metrics.socket]))
        return server


class _QuietServer(uvicorn.Server):
    """Leaves signals to the main server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _DrainingServer(uvicorn.Server):
    """uvicorn's server with a drain before its shutdown. Ends with exit code 0 after a signal."""

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_s: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_s = drain_s
        self._hurry = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 # uvicorn's signature
        self.leave()

    def leave(self) -> None:
        """Begin to drain; said twice, hurry. Only sets flags: a signal handler may call it."""
        self._hurry = self.should_exit
        self._drain.begin()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        running = len(self.server_state.tasks)
        if running:
            _log.info("stopping: up to %g s for %d running requests", self._drain_s, running)
        await self._until_idle(self._drain_s)
        self._drain.end()
        await self._until_idle(_LAST_WORDS_S, patient=True)
        await super().shutdown(sockets)

    async def _until_idle(self, longest_s: float, *, patient: bool = False) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + longest_s
        while (tasks := set(self.server_state.tasks)) and loop.time() < end and (patient or not self._hurry):
            await asyncio.wait(tasks, timeout=_LOOK_EVERY_S)


def _config(app: Any, connection: type[BoundedConnection], lifespan: Any) -> uvicorn.Config:
    """Logs go through the root logger; uvicorn's access log would cost more than a cached answer."""
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )


def _why(error: OSError, where: str, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use by another program: stop it (`ss -ltnp` shows it), or choose a port with {setting}"
    if error.errno == errno.EACCES:
        return f"not allowed to listen on {where}: ports below 1024 need privileges; choose another with {setting}"
    return f"cannot listen on {where}: {os.strerror(error.errno) if error.errno else error}"
