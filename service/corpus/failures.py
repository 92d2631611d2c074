"""What SQLite's and the disk's failures mean, in one table."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import BadDependencyReply, Dependency, DependencyUnavailable, ErrorKind, ServiceError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# Extended result codes carry the plain one in their lowest byte.
_PRIMARY_CODE = 0xFF
# SQLite reports a full quota, or shared memory that cannot grow, as a plain I/O error: the free space tells.
_NO_SPACE_BYTES = 1 << 20


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Failures of SQLite and of files become a `ServiceError` that names the file and says what to do."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise service_error(error, path) from error


def service_error(error: sqlite3.Error | OSError, path: Path) -> ServiceError:
    """The meaning of one failure; messages of SQLite are not passed on, for they can hold what was stored."""
    if _is_full(error, path):
        detail = "the disk that holds the data folder is full; nothing was stored: free some space and try again"
        return ServiceError(ErrorKind.STORAGE_FULL, detail)
    if isinstance(error, OSError):
        why = error.strerror or type(error).__name__
        return DependencyUnavailable(Dependency.SQLITE, f"{path.name} cannot be used ({why}); check the data folder")
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY_CODE
    if code in _DAMAGED:
        return damaged(path)
    if code in _HELD:
        detail = f"{path.name} is held by another program; end it and try again"
        return DependencyUnavailable(Dependency.SQLITE, detail, retry_after_s=1.0)
    why = getattr(error, "sqlite_errorname", type(error).__name__)
    return BadDependencyReply(
        ErrorKind.SERVER_ERROR, Dependency.SQLITE, f"{path.name} failed ({why}); check the data folder and its disk"
    )


def damaged(path: Path) -> ServiceError:
    """The file is no longer a whole database."""
    detail = (
        f"{path.name} is damaged; restore the data folder from a checkpoint, or move this file away and add the "
        "documents again"
    )
    return BadDependencyReply(ErrorKind.SERVER_ERROR, Dependency.SQLITE, detail)


def _is_full(error: sqlite3.Error | OSError, path: Path) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    code = (getattr(error, "sqlite_errorcode", None) or 0) & _PRIMARY_CODE
    return code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _free_bytes(path) < _NO_SPACE_BYTES)


def _free_bytes(path: Path) -> int:
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return _NO_SPACE_BYTES
    return status.f_bavail * status.f_frsize
