"""Which version of the service runs on a data folder: a file that is there whole or not at all.

Standard library, and one module that needs no more: the launcher reads it, and must work whatever state the rest of a
checkout is in.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service.whole_file import write_whole

FOLDER = "rollout"
_POINTER, _LAUNCHED, HOLD, LOCK = "current.json", "launched.json", "hold", "lock"


class Unreadable(Exception):
    """A file of the folder cannot be understood. The text says which and what to do."""


@dataclass(frozen=True)
class Version:
    """One version. `place` is the folder of its source, or the name of its image in Docker; `schema` is that of the
    documents it writes, 0 where that is not known."""

    commit: str
    place: str
    schema: int = 0

    @property
    def short(self) -> str:
        """For people."""
        return self.commit[:12] or self.place

    @classmethod
    def of(cls, told: Any) -> "Version | None":
        """Out of JSON."""
        return None if told is None else cls.known(told)

    @classmethod
    def known(cls, told: Any) -> "Version":
        """Out of JSON that is to hold one. Raises `KeyError`, `TypeError`, `ValueError`."""
        return cls(str(told["commit"]), str(told["place"]), int(told["schema"]))


@dataclass(frozen=True)
class Pointer:
    """`current` is what is started. With a `trial`, a word for one try, it is started once, and only while a deploy is
    at work; else `before` is."""

    current: Version
    before: Version | None = None
    trial: str = ""


@dataclass(frozen=True)
class Launched:
    """What the launcher became last: process `pid`, of the version at `place`, for that trial. `output` is where its
    output goes, if that is a file."""

    pid: int
    place: str
    trial: str
    output: str


def read(folder: Path) -> Pointer | None:
    """None where nothing was ever deployed: the checkout runs itself."""
    told = _load(folder / _POINTER)
    if told is None:
        return None
    try:
        return Pointer(Version.known(told["current"]), Version.of(told["before"]), str(told["trial"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(folder / _POINTER) from error


def write(folder: Path, pointer: Pointer) -> None:
    """Whole, and on the disk when it returns."""
    write_whole(folder / _POINTER, json.dumps(asdict(pointer), indent=1) + "\n")


def launched(folder: Path) -> Launched | None:
    """None where the launcher has not been at work, or a crash spoiled what it wrote."""
    try:
        told = _load(folder / _LAUNCHED)
        return None if told is None else Launched(**told)
    except (Unreadable, TypeError):
        return None


def note_launch(folder: Path, what: Launched) -> None:
    """For the launcher."""
    write_whole(folder / _LAUNCHED, json.dumps(asdict(what)) + "\n")


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Nothing is started on this data folder meanwhile. Given up by the system when this process ends."""
    with _locked(folder / HOLD, fcntl.LOCK_EX):
        yield


@contextmanager
def starting(folder: Path) -> Iterator[None]:
    """Waits until nobody holds; and who wants to hold waits, until the block ends or becomes another program."""
    with _locked(folder / HOLD, fcntl.LOCK_SH):
        yield


def is_deploying(folder: Path) -> bool:
    """Whether a deploy is at work now."""
    try:
        with _locked(folder / LOCK, fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> Unreadable:
    return Unreadable(f"{path} cannot be read: remove it to run this checkout, or run `emini-rag deploy` again")
