"""One at a time: the kernel's lock (`flock`) on a file or folder, which ends with its process, however that ends."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.cli.failures import Failure


@contextmanager
def turn(path: Path, what: str, who: str = "") -> Iterator[None]:
    """Be the only one. `path` is a folder, or a file that is made when it is not there and then names the holder, which
    is `who` besides the process. Raises `Failure` when somebody does `what` already."""
    is_folder = path.is_dir()
    how = os.O_RDONLY if is_folder else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, how | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _says(descriptor)
            raise Failure(
                f"{path if is_folder else path.parent} is in use", f"{holder}{what}", todo="Wait until it is done."
            ) from None
        if not is_folder:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()}{who}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """And the one around it, each for its owner alone: that may be a data folder that nobody has made yet."""
    for one in (folder.parent, folder):
        one.mkdir(parents=True, exist_ok=True, mode=0o700)


def _says(descriptor: int) -> str:
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        return ""
    return f"{os.pread(descriptor, 200, 0).decode(errors='replace').strip() or 'another process'} "
