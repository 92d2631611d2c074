"""The files of a folder: which there are, under which names, and reading them safely. Blocking.

Hidden files and folders are left out. Links may point to a file inside the folder; whatever points outside, and
whatever is no regular file, is reported, never opened.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.corpus.loaders.names import safe_source
from service.errors import ErrorKind, NotFound, ServiceError, TooLarge, UnsupportedDocument

_OUTSIDE = "is a link that points outside the folder; copy what it points to into the folder"
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file: its label, where it really is, and why it will not be read (empty: it will be)."""

    source: str
    path: Path
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """A folder's files by source. `complete` is False when a part of it could not be listed."""

    root: Path
    files: tuple[FoundFile, ...]
    complete: bool = True


def scan(path: str) -> Scan:
    """List a folder, or a single file as if its folder held nothing else. Raises `NotFound`."""
    try:
        root = Path(path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise NotFound(f"{safe_source(path)} is not here; name a folder or a file that exists") from error
    if root.is_file():
        return Scan(root.parent, (FoundFile(safe_source(root.name), root),), complete=False)
    walked = _Walk(root)
    files = sorted(walked.files(), key=lambda file: file.source)
    return Scan(root, tuple(_without_doubles(files)), not walked.failed)


def read(file: FoundFile, max_bytes: int) -> bytes:
    """The bytes of one file. Raises `UnsupportedDocument`, `TooLarge`, or `ServiceError` when it cannot be read."""
    if file.problem:
        raise UnsupportedDocument(f"{file.source} {file.problem}")
    try:
        # Not following links, not waiting for a pipe: the file may have changed since it was listed.
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnsupportedDocument(f"{file.source} is no regular file")
            content = stream.read(max_bytes + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        detail = f"{file.source} cannot be read ({why}); check that it is still there and may be read"
        raise ServiceError(ErrorKind.OTHER, detail) from error
    if len(content) > max_bytes:
        raise TooLarge(f"{file.source} is above the limit of {max_bytes / _MIB:,.1f} MiB; split it into parts")
    return content


class _Walk:
    def __init__(self, root: Path) -> None:
        self.failed = False
        self._root = root

    def files(self) -> Iterator[FoundFile]:
        for folder, below, names in os.walk(self._root, onerror=self._note):
            here = Path(folder)
            below[:] = [name for name in below if not name.startswith(".")]
            links = [name for name in below if (here / name).is_symlink()]
            for name in [*names, *links]:
                found = None if name.startswith(".") else self._look(here / name)
                if found is not None:
                    yield found

    def _look(self, path: Path) -> FoundFile | None:
        source = safe_source(path.relative_to(self._root).as_posix())
        try:
            real = path.resolve(strict=True)
            if not real.is_relative_to(self._root):
                return FoundFile(source, path, _OUTSIDE)
            mode = real.stat().st_mode
        except (OSError, RuntimeError):
            return FoundFile(source, path, "is a link that leads nowhere; remove it")
        if stat.S_ISDIR(mode):
            # A link to a folder inside: what it holds is listed where it really is.
            return None
        return FoundFile(source, real, "" if stat.S_ISREG(mode) else "is no regular file; copy its content into one")

    def _note(self, _: OSError) -> None:
        self.failed = True


def _without_doubles(files: list[FoundFile]) -> Iterator[FoundFile]:
    """Names that become the same label would replace each other again and again."""
    last = ""
    for file in files:
        if file.source == last:
            yield FoundFile(file.source, file.path, "has the same name as another file once cleaned; rename one")
        else:
            yield file
        last = file.source
