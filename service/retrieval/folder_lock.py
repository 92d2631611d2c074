"""One process per folder. Two that open one embedded vector store can hang each other or damage it."""

import fcntl
import os
from pathlib import Path

_NAME = "owner.lock"


class FolderLock:
    """Held from `take` to `release`, or until the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._descriptor: int | None = None

    def take(self) -> bool:
        """False when another holder is there. Makes the folder. Raises `OSError`."""
        if self._descriptor is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Nothing when it is not held. The file stays: removing it would let two others hold two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
