"""Whether a port can be had, and which process listens on it: Linux tells; elsewhere nobody is named."""

import socket
from contextlib import suppress
from pathlib import Path

from service.listeners import PROC, pids_listening


def is_taken(port: int) -> bool:
    """Whether nobody else can listen on this loopback port now."""
    return bind_error(port) != 0


def bind_error(port: int, address: str = "127.0.0.1") -> int:
    """The `errno` with which the system refuses this port to a server now, -1 when it has none; 0 when it gives it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: what waits for its last packets does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno or -1
    return 0


def holder(port: int, proc: Path = PROC) -> str:
    """Such as "prometheus (process 4711)"; "another process" when it cannot be known."""
    for pid in pids_listening(port, proc):
        with suppress(OSError):  # it ended meanwhile
            return f"{(proc / str(pid) / 'comm').read_text().strip()} (process {pid})"
    return "another process"
