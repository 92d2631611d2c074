"""One installation in a folder at a time."""

import fcntl
import os
from pathlib import Path
from typing import IO


class FolderInUse(Exception):
    """Another supervisor has the folder. The text names it."""


class Lock:
    """Held from `take` to `release`, and given back by the system when the process ends however it does."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stack.lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Raises `FolderInUse`."""
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise FolderInUse(
                f"{self._path.parent} is in use by another stack (process {holder}): end that one, or name another "
                "folder with --data"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Nothing happens when it is not held."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None
