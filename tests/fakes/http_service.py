"""The real HTTP interface over fakes, listening on a free loopback port for as long as a test needs it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from ops.stack.process import wait_until
from service.app import create_app
from tests.fakes.services import FakeServices


@contextmanager
def listening(fakes: FakeServices) -> Iterator[str]:
    """The address of the service. Its loop runs in a thread; the thread has ended when the block has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        port = listener.getsockname()[1]
        config = uvicorn.Config(create_app(fakes.build()), log_config=None, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.started, 10, "the service listens", alive=thread.is_alive)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
