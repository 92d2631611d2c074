"""A real server on a free loopback port, in this process, over a service of fakes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from service.app import create_app
from service.connection import BoundedConnection
from service.server import Listener, Server, open_socket
from tests.fakes.services import FakeServices

WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Serving:
    """`running` ends when the server has ended."""

    url: str
    port: int
    server: Server
    running: asyncio.Task[None]

    async def ended(self) -> None:
        async with asyncio.timeout(WAIT_S):
            await self.running


@asynccontextmanager
async def serving(
    fakes: FakeServices, *, drain_s: float = 0.2, connection: type[BoundedConnection] = BoundedConnection
) -> AsyncIterator[Serving]:
    """Stopped, and waited for, at the end. The listener is open from the start, so no request is too early."""
    listener = Listener(create_app(fakes.build()), open_socket("127.0.0.1", 0))
    server = Server(listener, fakes.draining, drain_s=drain_s, connection=connection)
    running = asyncio.create_task(server.run())
    try:
        port = listener.port
        yield Serving(f"http://127.0.0.1:{port}", port, server, running)
    finally:
        server.stop()
        server.stop()
        async with asyncio.timeout(WAIT_S):
            await running


async def until(condition: Callable[[], object]) -> None:
    """Wait, with a bound, until `condition` holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.005)
