"""The folder that holds everything that lasts, and the lock that keeps it to one process.

Two processes on one data folder would damage the vector index and answer from stale ones. The lock is the kernel's
(`flock`): it ends with the process, however that ends, so there is no stale lock to remove by hand. What the lock file
says (process, machine, since when) is only for the message to whoever comes second; a holder that is on its way out
wipes it, and then the second one waits: a supervisor may start the next before the last has ended.
"""

import asyncio
import errno
import fcntl
import json
import logging
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from service.clock import Clock, SystemClock
from service.errors import ErrorKind, ServiceError

LOCK_NAME = "lock"
# Below this the first documents would fill the disk.
MIN_FREE_BYTES = 64 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MIB = 1 << 20
# As long as a service takes at most from its signal to its end.
PATIENCE_S = 15.0
_LOOK_EVERY_S = 0.05

_log = logging.getLogger(__name__)


class FolderInUse(ServiceError):
    """Another process holds the folder; `leaving` is true for one that is on its way out."""

    def __init__(self, detail: str, *, leaving: bool) -> None:
        super().__init__(ErrorKind.OTHER, detail)
        self.leaving = leaving


class DataFolder:
    """`path` is made on `acquire`, mode 0700, and held until `release` or the end of the process."""

    def __init__(self, path: Path, *, min_free_bytes: int = MIN_FREE_BYTES, clock: Clock | None = None) -> None:
        self.path = path
        self._min_free_bytes = min_free_bytes
        self._clock: Clock = clock or SystemClock()
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Make the folder, and be the only one to use it. Raises `ServiceError`: held by another process
        (`FolderInUse`), not writable, no space left (STORAGE_FULL). Nothing when this object holds it already."""
        if self._descriptor is not None:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._lock(descriptor)
            self._require_space()
            self._sign(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    async def acquire_in_turn(self, patience_s: float = PATIENCE_S) -> None:
        """The same, but a holder that is on its way out is waited for."""
        until = self._clock.monotonic() + patience_s
        told = False
        while True:
            try:
                return self.acquire()
            except FolderInUse as error:
                if not error.leaving or self._clock.monotonic() >= until:
                    raise
            if not told:
                _log.info("waiting for the data folder %s: who used it last is still stopping", self.path)
                told = True
            await asyncio.sleep(_LOOK_EVERY_S)

    def sign_off(self) -> None:
        """Say that it will be free soon. For a signal handler: one call of the system."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)

    def holder(self) -> str | None:
        """Who holds the folder now, in words; None when nobody does. For a look from outside: takes no lock."""
        try:
            descriptor = os.open(self.path / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _holder(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return None

    def release(self) -> None:
        """Let another process have it. The lock file stays: removing it would let two others hold two files."""
        if self._descriptor is not None:
            self.sign_off()
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def __enter__(self) -> "DataFolder":
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            detail = (
                f"the data folder {self.path} is used by {_holder(descriptor)}; stop that one, or give this one a "
                "folder of its own with RAG_DATA_DIR"
            )
            raise FolderInUse(detail, leaving=os.fstat(descriptor).st_size == 0) from error
        except OSError as error:
            detail = (
                f"the data folder {self.path} is on a file system without locks ({error.strerror}); "
                "name a folder on a local disk with RAG_DATA_DIR"
            )
            raise ServiceError(ErrorKind.OTHER, detail) from error

    def _require_space(self) -> None:
        status = os.statvfs(self.path)
        free = status.f_bavail * status.f_frsize
        if free < self._min_free_bytes:
            detail = (
                f"the disk that holds the data folder {self.path} has {free / _MIB:,.0f} MiB left, at least "
                f"{self._min_free_bytes / _MIB:,.0f} are needed; free some space, or set RAG_DATA_DIR"
            )
            raise ServiceError(ErrorKind.STORAGE_FULL, detail)

    def _sign(self, descriptor: int) -> None:
        """Say who holds it, which is also the proof that the folder can be written."""
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": self._clock.time()}
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(owner).encode() + b"\n", 0)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> ServiceError:
        if error.errno in _FULL:
            detail = f"the disk that holds the data folder {self.path} is full; free some space, or set RAG_DATA_DIR"
            return ServiceError(ErrorKind.STORAGE_FULL, detail)
        why = error.strerror or type(error).__name__
        detail = f"the data folder {self.path} cannot be written ({why}); change its owner or mode, or set RAG_DATA_DIR"
        return ServiceError(ErrorKind.OTHER, detail)


def _holder(descriptor: int) -> str:
    """What the lock file says; the holder may be writing it just now."""
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
        since = datetime.fromtimestamp(float(owner["since"]), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"process {int(owner['pid'])} on {owner['host']} since {since}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return "another process"
