"""A real Valkey or Redis server on a free loopback port, for the time of a `with`."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOW_TO_GET = "no valkey-server or redis-server in PATH: `apt-get install valkey-server`, or `redis-server`"


def binary() -> str | None:
    return shutil.which("valkey-server") or shutil.which("redis-server")


@contextmanager
def running(program: str, folder: Path, port: int = 0) -> Iterator[str]:
    """Its address; port 0 takes a free one. Fails when the server does not accept within ten seconds."""
    port = port or free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the server ended at start"
            assert time.monotonic() < deadline, "the server does not accept connections"
            time.sleep(0.02)
        else:
            return
