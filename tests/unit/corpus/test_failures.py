"""What SQLite's and the disk's failures become."""

import errno
import sqlite3
from pathlib import Path

import pytest

from service.corpus.failures import service_error, translated
from service.errors import (
    BadDependencyReply,
    Dependency,
    DependencyError,
    DependencyUnavailable,
    ErrorKind,
    ServiceError,
)

FILE = Path("/nowhere/corpus.sqlite3")


def sqlite_error(code: int, name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("a message that may hold what was stored")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    return error


@pytest.mark.parametrize(
    ("error", "kind", "shape"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL, "SQLITE_FULL"), ErrorKind.STORAGE_FULL, ServiceError),
        (OSError(errno.ENOSPC, "No space left on device"), ErrorKind.STORAGE_FULL, ServiceError),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), ErrorKind.STORAGE_FULL, ServiceError),
        (OSError(errno.EACCES, "Permission denied"), ErrorKind.CONNECTION_ERROR, DependencyUnavailable),
        (sqlite_error(sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT"), ErrorKind.SERVER_ERROR, BadDependencyReply),
        (sqlite_error(267, "SQLITE_CORRUPT_VTAB"), ErrorKind.SERVER_ERROR, BadDependencyReply),
        (sqlite_error(sqlite3.SQLITE_NOTADB, "SQLITE_NOTADB"), ErrorKind.SERVER_ERROR, BadDependencyReply),
        (sqlite_error(sqlite3.SQLITE_BUSY, "SQLITE_BUSY"), ErrorKind.CONNECTION_ERROR, DependencyUnavailable),
        (sqlite_error(sqlite3.SQLITE_IOERR, "SQLITE_IOERR"), ErrorKind.SERVER_ERROR, BadDependencyReply),
        (sqlite3.Error("no code"), ErrorKind.SERVER_ERROR, BadDependencyReply),
    ],
)
def test_each_failure_has_its_meaning(error: sqlite3.Error | OSError, kind: ErrorKind, shape: type) -> None:
    found = service_error(error, FILE)
    assert (found.kind, type(found)) == (kind, shape)
    assert "may hold" not in found.detail
    if isinstance(found, DependencyError):
        assert found.dependency is Dependency.SQLITE
        assert "corpus.sqlite3" in found.detail


def test_an_io_error_without_free_space_is_a_full_disk() -> None:
    # The process file system has no free blocks.
    full = Path("/proc/corpus.sqlite3")
    assert service_error(sqlite_error(4874, "SQLITE_IOERR_SHMSIZE"), full).kind is ErrorKind.STORAGE_FULL


def test_the_cause_is_kept_and_others_pass() -> None:
    with pytest.raises(ServiceError) as caught, translated(FILE):
        raise sqlite_error(sqlite3.SQLITE_FULL, "SQLITE_FULL")
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    with pytest.raises(ValueError, match="mine"), translated(FILE):
        raise ValueError("mine")
