"""Which process listens on a port, for a message that helps. Linux tells; elsewhere nobody is named."""

import socket
from pathlib import Path

_LISTENING = "0A"


def is_taken(port: int) -> bool:
    """Whether nobody else can listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: what waits for its last packets does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


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
