"""The file of API keys: what a record holds, and how it is read and rewritten without ever being half there.

JSON, mode 0600, SHA-256 digests only. A file that others can read is refused, not repaired: whoever could read it may
have done so. Writers of all processes take turns by a lock file beside it.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from service.auth.principal import Scope
from service.errors import ErrorKind, ServiceError
from service.whole_file import write_whole

_FORMAT = 1
# The second: what should be its folder is a file, which whoever needs that folder tells better.
_ABSENT = (FileNotFoundError, NotADirectoryError)
_OTHERS = 0o077
# Together 2 s; a rewrite takes milliseconds.
_LOCK_TRIES = 200
_LOCK_PAUSE_S = 0.01


class KeyFileUnusable(ServiceError):
    """The key file cannot be trusted, read or written; the detail says what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.SERVER_ERROR, detail)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key, without its secret. Times are Unix seconds; None = never. `sha256` is of the whole token, in hex."""

    id: str
    name: str
    scopes: frozenset[Scope]
    tenant: str
    sha256: str = field(repr=False)
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    def is_live(self, now: float) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What changes whenever the file is rewritten, in place or by renaming, or its mode is set."""

    mode: int
    inode: int
    modified_ns: int
    size: int


def stamp_of(path: Path) -> FileStamp | None:
    """None when there is no file."""
    try:
        status = path.stat()
    except _ABSENT:
        return None
    return FileStamp(status.st_mode, status.st_ino, status.st_mtime_ns, status.st_size)


def read_keys(path: Path) -> tuple[KeyRecord, ...]:
    """All records; none when there is no file. Raises `KeyFileUnusable`."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                detail = f"{path} can be read by others (mode {mode & 0o777:o}): run `chmod 600 {path}`"
                raise KeyFileUnusable(f"{detail}, and replace its keys if others use this machine")
            content = file.read()
    except _ABSENT:
        return ()
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be read: {error.strerror}") from error
    try:
        document = json.loads(content)
        if document["version"] != _FORMAT:
            raise ValueError("written by another version")
        return tuple(_record(fields) for fields in document["keys"])
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileUnusable(f"{path} is not a key file, or is damaged: restore it, or move it away") from error


def write_keys(path: Path, records: Iterable[KeyRecord]) -> None:
    """Replace the file at once: a crash leaves the old or the new one. Raises `KeyFileUnusable`."""
    keys = [asdict(record) | {"scopes": sorted(record.scopes)} for record in records]
    content = json.dumps({"version": _FORMAT, "keys": keys}, indent=2) + "\n"
    try:
        write_whole(path, content, 0o600)
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def writing(path: Path, tries: int = _LOCK_TRIES) -> Iterator[None]:
    """Hold the turn to rewrite the file, against other processes. Raises `KeyFileUnusable`, also when none comes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be written: {error.strerror}") from error
    try:
        _lock(path, descriptor, tries)
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path, descriptor: int, tries: int) -> None:
    for _ in range(tries):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_S)
        else:
            return
    raise KeyFileUnusable(f"{path} is being changed by another process: try again, or end that process")


def _record(fields: dict[str, object]) -> KeyRecord:
    record = KeyRecord(**fields)  # type: ignore[arg-type] # checked below
    scopes = frozenset(Scope(scope) for scope in record.scopes)
    if len(bytes.fromhex(record.sha256)) != 32 or not all(
        isinstance(text, str) for text in (record.id, record.name, record.tenant)
    ):
        raise ValueError("not a key record")
    for moment in (record.created_at, record.expires_at, record.revoked_at, record.last_used_at):
        if moment is not None and not isinstance(moment, int | float):
            raise ValueError("not a time")
    return KeyRecord(**(fields | {"scopes": scopes}))  # type: ignore[arg-type]
