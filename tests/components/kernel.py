"""What the kernel knows of processes: which sockets they have open, and which files they write. Linux only."""

import os
from pathlib import Path

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
_LISTENING, _UNCONNECTED = "0A", "07"
_NO_FILES = ("/dev/", "/proc/", "/memfd:")


def family(pid: int) -> list[int]:
    """The process and everything that it has started."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in family(child))]


def open_sockets(pids: list[int]) -> set[tuple[str, int]]:
    """(address in hex, port) of every TCP socket that listens and every UDP socket, as the kernel sees them."""
    held = {link.readlink().name for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    found = set()
    for table, state in (("tcp", _LISTENING), ("tcp6", _LISTENING), ("udp", _UNCONNECTED), ("udp6", _UNCONNECTED)):
        for line in Path(f"/proc/{pids[0]}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state and f"socket:[{fields[9]}]" in held:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found


def written_files(pids: list[int]) -> set[Path]:
    """Files that are open for writing."""
    found = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target, told = str(link.readlink()), Path(f"/proc/{pid}/fdinfo/{link.name}").read_text()
            except FileNotFoundError:  # closed meanwhile
                continue
            flags = next(int(line.split()[1], 8) for line in told.splitlines() if line.startswith("flags:"))
            if target.startswith("/") and not target.startswith(_NO_FILES) and flags & (os.O_WRONLY | os.O_RDWR):
                found.add(Path(target.removesuffix(" (deleted)")))
    return found
