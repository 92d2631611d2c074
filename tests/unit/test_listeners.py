"""Who listens on a port is read from what the kernel tells, and nothing is made of what it does not tell."""

import os
import socket
import sys
from pathlib import Path

import pytest

from service.listeners import pids_listening

_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_LINE = "   0: {} 00000000:0000 {} 00000000:00000000 00:00000000 00000000  0 0 {} 1\n"


def proc(folder: Path, *, table: str = "tcp", address: str = "0100007F:1F41", state: str = "0A") -> Path:
    """Two processes share the socket 77 at port 8001; another one may not be looked at."""
    (folder / "net").mkdir()
    (folder / "net" / table).write_text(_HEAD + _LINE.format(address, state, 77))
    for pid in ("4711", "4712"):
        (folder / pid / "fd").mkdir(parents=True)
        (folder / pid / "fd" / "3").symlink_to("socket:[77]")
    (folder / "12").mkdir()
    return folder


def test_all_who_share_a_listener_are_found(tmp_path: Path) -> None:
    assert sorted(pids_listening(8001, proc(tmp_path))) == [4711, 4712]


def test_ipv6_has_a_table_of_its_own(tmp_path: Path) -> None:
    address = "00000000000000000000000001000000:1F41"
    assert sorted(pids_listening(8001, proc(tmp_path, table="tcp6", address=address))) == [4711, 4712]


def test_another_port_and_a_connection_are_nobodys(tmp_path: Path) -> None:
    folder = proc(tmp_path, state="01")
    assert list(pids_listening(8001, folder)) == list(pids_listening(8002, folder)) == []


def test_a_process_that_ends_meanwhile_is_passed_over(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    (folder / "4711" / "fd" / "3").unlink()
    (folder / "4712" / "fd" / "3").unlink()
    (folder / "4712" / "fd").rmdir()
    assert list(pids_listening(8001, folder)) == []


def test_where_nothing_is_told_nobody_is_found(tmp_path: Path) -> None:
    assert list(pids_listening(8001, tmp_path / "nothing")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who listens")
def test_this_process_finds_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert os.getpid() in pids_listening(listening.getsockname()[1])
