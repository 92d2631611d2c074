"""What the system says of other processes of the same user. Linux alone says it; elsewhere nothing is known."""

import fcntl
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_LOOKS, _LOOK_S = 50, 0.002


@dataclass(frozen=True)
class StartedWith:
    """The environment and the folder of a process."""

    variables: Mapping[str, str]
    folder: Path


def started_with(pid: int, proc: Path = Path("/proc")) -> StartedWith | None:
    """None when it cannot be seen."""
    here = proc / str(pid)
    try:
        pairs = _environ(here / "environ").decode(errors="surrogateescape").split("\0")
        folder = (here / "cwd").resolve(strict=True)
    except OSError:
        return None
    return StartedWith(dict(pair.split("=", 1) for pair in pairs if "=" in pair), folder)


def _environ(path: Path) -> bytes:
    """While a process becomes another program it has none for a moment."""
    for _ in range(_LOOKS):
        if found := path.read_bytes():
            return found
        time.sleep(_LOOK_S)
    return b""


def is_alive(pid: int, proc: Path = Path("/proc")) -> bool:
    """Whether it runs; one that has ended and is not buried yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return not proc.is_dir()
    return state not in "ZX"


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock of this file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
