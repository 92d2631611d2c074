"""A taken port is noticed, and whoever holds it is named where the system tells."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack.port_holder import bind_error, holder, is_taken
from ops.stack.process import free_port

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who holds a port")
_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    listening = socket.create_server(("127.0.0.1", 0))
    yield listening
    listening.close()


def proc(folder: Path, *, state: str = "0A") -> Path:
    """A /proc of one process, "nginx", that has the socket 77 at port 8001."""
    (folder / "net").mkdir()
    line = f"   0: 0100007F:1F41 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  0 0 77 1\n"
    (folder / "net" / "tcp").write_text(_HEAD + line)
    (folder / "4711" / "fd").mkdir(parents=True)
    (folder / "4711" / "comm").write_text("nginx\n")
    (folder / "4711" / "fd" / "3").symlink_to("socket:[77]")
    (folder / "12").mkdir()  # one whose files nobody may see, or that has ended
    return folder


def test_a_port_is_taken_while_somebody_listens(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert is_taken(port)
    listener.close()
    assert not is_taken(port)


def test_a_free_port_is_not_taken() -> None:
    assert not is_taken(free_port())


def test_why_a_port_cannot_be_had_is_told(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert bind_error(port) == errno.EADDRINUSE
    assert bind_error(port, "192.0.2.1") == errno.EADDRNOTAVAIL
    listener.close()
    assert bind_error(port) == 0


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6_is_looked_at_too() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        assert bind_error(listening.getsockname()[1], "::1") == errno.EADDRINUSE


@linux
def test_names_the_process(listener: socket.socket) -> None:
    command = Path("/proc/self/comm").read_text().strip()
    assert holder(listener.getsockname()[1]) == f"{command} (process {os.getpid()})"


def test_reads_what_the_kernel_tells(tmp_path: Path) -> None:
    assert holder(8001, proc(tmp_path)) == "nginx (process 4711)"


def test_looks_at_listeners_of_this_port_only(tmp_path: Path) -> None:
    assert holder(8002, proc(tmp_path)) == "another process"


def test_a_connection_is_no_listener(tmp_path: Path) -> None:
    assert holder(8001, proc(tmp_path, state="01")) == "another process"


def test_nobody_is_named_where_it_cannot_be_known(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    (folder / "4711" / "fd" / "3").unlink()
    assert holder(8001, folder) == "another process"
    assert holder(8001, tmp_path / "nothing") == "another process"
