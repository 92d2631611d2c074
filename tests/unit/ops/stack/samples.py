"""A site and a stack for tests: free ports, everything in one folder, fake programs; a stand-in for an Ollama."""

import os
from pathlib import Path
from typing import Any

from ops.stack.ports import Ports
from ops.stack.site import Site
from ops.stack.stack import Stack
from tests.fakes.http_listener import HttpListener, Request
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


class Answering(HttpListener):
    """Something that answers 200 to every GET: as good as an Ollama."""

    def get(self, request: Request) -> None:
        request.reply(200)
