"""What a deploy has done so far, so that another process can go on with it; and the log of all of them.

The journal is written before a step begins and after it has ended, and is on the disk before anything goes on. The log
is only ever added to: a line of JSON for each thing that was done, by whom, when, and how it came out.
"""

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ops.checkpoint.turn import make_folder, turn
from ops.rollout.pointer import LOCK, Version
from service.cli.failures import Failure
from service.whole_file import sync_folder, write_whole

_JOURNAL, _LOG = "journal.json", "log.jsonl"


@dataclass
class Journal:
    """One deploy. Times in Unix seconds. `done` names its steps that have ended, `doing` the one that has begun.

    `before` is what was measured of the old version, `verdict` is empty until it is known: then `keep` and `why`.
    """

    id: str
    who: str
    began_at: float
    ref: str
    watch_s: float
    note: str = ""
    old: Version | None = None
    new: Version | None = None
    checkpoint: str = ""
    up_at: float = 0.0
    doing: str = ""
    done: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    verdict: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> Version:
        """The new one, once it is known."""
        return _known(self.new)

    @property
    def version_before(self) -> Version:
        """The old one, once it is known."""
        return _known(self.old)

    @property
    def changed_something(self) -> bool:
        """Whether the old version may have been stopped already."""
        return self.doing == "up" or "up" in self.done


class Records:
    """The folder of journal and log, made on first use for its owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only deploy, rollback or restore. Raises `Failure` when there is one."""
        make_folder(self.folder)
        with turn(self.folder / LOCK, "deploys, rolls back or restores", f" of {who()}"):
            yield

    def journal(self) -> Journal | None:
        """Of the deploy that has not ended; None when there is none. Raises `Failure`."""
        path = self.folder / _JOURNAL
        try:
            told = json.loads(path.read_bytes())
            told["old"], told["new"] = Version.of(told["old"]), Version.of(told["new"])
            known = {one.name for one in fields(Journal)}
            return Journal(**{name: value for name, value in told.items() if name in known})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            todo = "Look into it, see what runs (`emini-rag deploy --log`), and remove it."
            raise Failure(f"{path} cannot be read", todo=todo) from error

    def write(self, journal: Journal) -> None:
        """On the disk when it returns. Raises `Failure`."""
        self.put(_JOURNAL, asdict(journal))

    def put(self, name: str, told: dict[str, Any]) -> None:
        """A file of the folder, whole. Raises `Failure`, and then it is as it was."""
        with _writing(self.folder / name):
            write_whole(self.folder / name, json.dumps(told, ensure_ascii=False, indent=1) + "\n")

    def close(self) -> None:
        """The deploy has ended."""
        (self.folder / _JOURNAL).unlink(missing_ok=True)
        sync_folder(self.folder)

    def log(self, at: float, event: str, **told: Any) -> None:
        """Add a line, on the disk when it returns. Raises `Failure`."""
        entry = {"at": round(at, 3), "who": who(), "event": event, **told}
        with _writing(self.folder / _LOG):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / _LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                # In front, too: what a crash left of the last line must not spoil this one.
                start = b"" if _ends_whole(self.folder / _LOG) else b"\n"
                file.write(start + json.dumps(entry, ensure_ascii=False).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())

    def logged(self) -> list[dict[str, Any]]:
        """Every line, the oldest first; what a crash left half is passed over."""
        try:
            lines = (self.folder / _LOG).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [entry for entry in map(_entry, lines) if entry is not None]


def _known(version: Version | None) -> Version:
    if version is None:
        raise RuntimeError("a step needs a version that no step before has found")
    return version


def who() -> str:
    """The user and the machine; with sudo, who called it."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    caller = os.environ.get("SUDO_USER", "")
    return f"{user}{f' (called by {caller})' if caller else ''} on {socket.gethostname()}"


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Failure(f"{path} cannot be written", error.strerror or str(error), todo="Make room for it.") from error


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and "event" in told else None
