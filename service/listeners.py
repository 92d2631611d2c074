"""Which processes listen on a port of this machine: Linux tells under /proc, but for those of other users."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
_LISTENING = "0A"


def pids_listening(port: int, proc: Path = PROC) -> Iterator[int]:
    """Their numbers, one after the other as they are found; several share a listener that they have inherited."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    for folder in proc.glob("[0-9]*") if sockets else ():
        with suppress(OSError):  # it ended meanwhile, or belongs to another user
            if any(_target(link) in sockets for link in (folder / "fd").iterdir()):
                yield int(folder.name)


def _inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("net/tcp", "net/tcp6"):
        lines: list[str] = []
        with suppress(OSError):
            lines = (proc / table).read_text(encoding="utf-8").splitlines()[1:]
        for words in map(str.split, lines):
            if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                yield words[9]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""
