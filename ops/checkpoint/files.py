"""Copying and hashing files, and making sure that they are on the disk. Blocking; raises `OSError`, `sqlite3.Error`.

`on_bytes` is told how many bytes more are done, for whoever shows progress.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

OnBytes = Callable[[int], None]
_PIECE = 8 << 20
_PAGES = 4096


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when it was written: its size in bytes, and its SHA-256."""

    size: int
    sha256: str


def nobody(done: int) -> None:
    """For those who show no progress."""
    del done


def copy(source: Path, target: Path, on_bytes: OnBytes = nobody) -> None:
    """The content alone, by the kernel, which shares the blocks where the file system can."""
    with source.open("rb") as given, target.open("xb") as made:
        os.fchmod(made.fileno(), 0o600)
        while done := _some(given.fileno(), made.fileno()):
            on_bytes(done)


def copy_database(source: Path, target: Path, on_bytes: OnBytes = nobody) -> None:
    """By SQLite's own backup: also of a file that is in use, with what its log holds. It is as it was at the start, and
    who writes meanwhile does not make it begin again."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    page = 0

    def told(_: int, remaining: int, total: int) -> None:
        nonlocal page
        on_bytes(max(0, total - remaining - page) * size)
        page = total - remaining

    # Not `mode=ro`: what a crash left in the middle is first put right, by the one who opens it next.
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True)) as given,
        closing(sqlite3.connect(target)) as made,
    ):
        size = int(given.execute("PRAGMA page_size").fetchone()[0])
        given.execute("BEGIN")
        given.execute("SELECT count(*) FROM sqlite_master").fetchone()
        given.backup(made, pages=_PAGES, progress=told, sleep=0)


def copy_tree(source: Path, target: Path, on_bytes: OnBytes = nobody, leave_out: Collection[str] = ()) -> None:
    """Every file below `source`, but for what lies in it under these names, into a folder that may be there already."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in listing(source):
        name = path.relative_to(source)
        if name.parts[0] not in leave_out:
            made = target / name
            made.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy(path, made, on_bytes)


def move_tree(source: Path, target: Path) -> None:
    """Every file below `source`, which is gone then, even when it could not be copied."""
    try:
        copy_tree(source, target)
    finally:
        shutil.rmtree(source, ignore_errors=True)


def record(path: Path, on_bytes: OnBytes = nobody) -> FileRecord:
    """Reads it whole."""
    made, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            made.update(piece)
            size += len(piece)
            on_bytes(len(piece))
    return FileRecord(size, made.hexdigest())


def write(path: Path, content: str | bytes) -> None:
    """A new file, for its owner alone."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def listing(folder: Path) -> Iterator[Path]:
    """Every file below, by name. What is neither a file nor a folder is not followed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def size_of(folder: Path) -> int:
    """Bytes of all files below; 0 when there is no such folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except FileNotFoundError:  # went meanwhile
            continue
        total += status.st_size if not path.is_dir() else 0
    return total


def sync_tree(folder: Path) -> None:
    """Every file and folder below, and the folder itself, down to the disk."""
    for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """What whoever runs this may still write below `folder`, or below where it will be."""
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    status = os.statvfs(there)
    return status.f_bavail * status.f_frsize


def _some(given: int, made: int) -> int:
    try:
        return os.copy_file_range(given, made, _PIECE)
    except OSError:
        # Between some file systems the kernel does not; the positions have not moved.
        piece = os.read(given, _PIECE)
        left = memoryview(piece)
        while left:
            left = left[os.write(made, left) :]
        return len(piece)
