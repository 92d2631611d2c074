"""A site and a stack for tests: free ports, everything in one folder, fake programs; a stand-in for an Ollama."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from ops.stack.ports import Ports
from ops.stack.site import Site
from ops.stack.stack import Stack
from tests.fakes.stack_programs import FakePrograms

INHERITED = {"PATH": os.environ.get("PATH", os.defpath)}


def site(folder: Path, **fields: Any) -> Site:
    """A site in `folder`."""
    values: dict[str, Any] = {
        "ports": Ports.free(),
        "environment": "production",
        "data": folder / "data",
        "documents": folder / "documents",
        "receivers": folder / "receivers",
        "inherited": INHERITED,
    }
    return Site(folder, **(values | fields))


def stack(folder: Path, programs: FakePrograms, **fields: Any) -> Stack:
    """A stack of fakes in `folder`; its ports are free ones."""
    values = {"inherited": INHERITED, "extra": programs.extra(), "find_program": programs.find}
    return Stack(folder / "stack", fields.pop("ports", None) or Ports.free(), **(values | fields))


@contextmanager
def answering(port: int) -> Iterator[None]:
    """Something that answers 200 to every GET: as good as an Ollama."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", port), Page) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield
        server.shutdown()
