"""The folder of all checkpoints: a folder for each, there whole or not at all.

One is made under a name that no listing shows, and renamed when it is whole and on the disk. What a kill left half made
is cleared away by the next one. One process at a time changes the folder (`flock`); anybody may read.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.checkpoint.files import sync_tree, write
from ops.checkpoint.inspection import CLONE
from ops.checkpoint.manifest import Damaged, Manifest, Newer, faults
from ops.checkpoint.turn import make_folder, turn
from service.cli.failures import USAGE, Failure
from service.whole_file import sync_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_HALF = ".new-"
_LOCK, _PINS = ".lock", "pins.json"


@dataclass(frozen=True)
class Listed:
    """One checkpoint as a listing shows it. `manifest` is None when it cannot be read; `fault` is the first one that
    shows without reading every file; `newer` when it is only unknown here, and may be good."""

    name: str
    manifest: Manifest | None
    fault: str
    pins: tuple[str, ...]
    newer: bool = False


class Archive:
    """All checkpoints in `folder`, which is made on first use, for its owner alone."""

    def __init__(self, folder: Path) -> None:
        # Those who look at a copy work in folders of their own.
        self.folder = folder.absolute()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only one who changes it. Raises `Failure` when somebody does already."""
        try:
            make_folder(self.folder)
            (self.folder / _LOCK).touch(0o600)
        except OSError as error:
            todo = "Copy what is in it to a folder that can be written, and name that with --folder."
            raise Failure(f"{self.folder} cannot be written", error.strerror or "", todo=todo) from error
        with turn(self.folder / _LOCK, "makes, restores or removes a checkpoint"):
            self._clear()
            yield

    def path(self, name: str) -> Path:
        """Of one that is there. Raises `Failure`."""
        path = self.folder / checked(name)
        if not path.is_dir():
            known = ", ".join(self.names()[:5]) or "none"
            raise Failure(f"There is no checkpoint {name} in {self.folder}", f"there are: {known}", code=USAGE)
        return path

    def names(self) -> list[str]:
        """The newest first."""
        return [one.name for one in self.listed()]

    def listed(self) -> list[Listed]:
        """All of them, the newest first; those that cannot be read last."""
        if not self.folder.is_dir():
            return []
        pins = self.pins()
        found = [
            _look(path, tuple(sorted(why for why, name in pins.items() if name == path.name)))
            for path in self.folder.iterdir()
            if path.is_dir() and _NAME.fullmatch(path.name)
        ]
        return sorted(found, key=lambda one: (one.manifest.created_at if one.manifest else 0.0, one.name), reverse=True)

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """The folder to fill for a new one. It appears under its name when the block ends, and not at all when it
        fails. Within `changing`. Raises `Failure` for a name that is taken."""
        final, half = self.folder / checked(name), self.folder / f"{_HALF}{name}"
        if final.exists():
            raise Failure(f"There is a checkpoint {name} already", todo="Choose another name.", code=USAGE)
        half.mkdir(mode=0o700)
        try:
            yield half
            sync_tree(half)
            half.rename(final)
            sync_folder(self.folder)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise

    def remove(self, name: str) -> None:
        """Gone from the listing at once, however long its files take. Within `changing`."""
        half = self.folder / f"{_HALF}{name}"
        self.path(name).rename(half)
        shutil.rmtree(half)

    def pins(self) -> dict[str, str]:
        """Reason -> name of the checkpoint that must stay for it."""
        try:
            told = json.loads((self.folder / _PINS).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            # Not "none": what must stay would then be removed.
            raise Failure(f"{self.folder / _PINS} cannot be read", todo="Correct or remove it.") from error
        return {str(why): str(name) for why, name in told.items()}

    def pin(self, why: str, name: str | None) -> None:
        """Keep this one for that reason, in place of what was kept for it before; None: nothing more."""
        pins = {reason: kept for reason, kept in self.pins().items() if reason != why}
        if name is not None:
            pins[why] = name
        beside = self.folder / f".{_PINS}.new"
        beside.unlink(missing_ok=True)
        write(beside, json.dumps(pins, indent=1) + "\n")
        beside.replace(self.folder / _PINS)
        sync_folder(self.folder)

    def _clear(self) -> None:
        for pattern in (f"{_HALF}*", f"{CLONE}*"):
            for half in self.folder.glob(pattern):
                shutil.rmtree(half, ignore_errors=True)


def checked(name: str) -> str:
    """The name. Raises `Failure` when it is none."""
    if not _NAME.fullmatch(name):
        why = "letters, digits, dots, underscores and hyphens, at most 80, the first one a letter or digit"
        raise Failure(f"{name!r} is no name of a checkpoint", why, code=USAGE)
    return name


def _look(path: Path, pins: tuple[str, ...]) -> Listed:
    try:
        manifest = Manifest.read(path)
    except Damaged as error:
        return Listed(path.name, None, str(error), pins, isinstance(error, Newer))
    found = faults(path, manifest, None)
    return Listed(path.name, manifest, found[0] if found else "", pins)
