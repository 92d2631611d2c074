"""Whether a port can be had, and which process listens on it: Linux tells; elsewhere nobody is named."""

import socket
from pathlib import Path

_LISTENING = "0A"


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


def holder(port: int, proc: Path = Path("/proc")) -> str:
    """Such as "prometheus (process 4711)"; "another process" when it cannot be known."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    for folder in proc.glob("[0-9]*") if sockets else ():
        try:
            if any(_target(link) in sockets for link in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
        except OSError:  # it ended meanwhile, or belongs to another user
            continue
    return "another process"


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


def _inodes(port: int, proc: Path) -> list[str]:
    found = []
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                found.append(words[9])
    return found
