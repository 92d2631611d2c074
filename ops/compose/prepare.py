"""Runs once in a container before the others: gives volumes to their users, makes first passwords, hands secrets on.

    python prepare.py --own=/volumes/tempo=10001:10001 --password=/volumes/grafana-secret/admin_password=472:0
    python prepare.py --copy=/receivers:/volumes/alertmanager-secret=65534:65534

Most images start as root only to do this for themselves. Here one container has the capabilities that it takes, for
half a second and without a network, and all others start as who they are. Secrets are copied, since Docker mounts files
with the owner and mode that they have on the host: a container's user could read them only if everybody could. It is
mounted alone, so it needs the standard library only. Everything may be done again: what is right already is left as it
is. Exit status: 0 done, 1 not.
"""

import argparse
import os
import secrets
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

Chown = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Owned:
    """A path and whose it is to be, written PATH=UID:GID."""

    path: Path
    uid: int
    gid: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ArgumentTypeError`, which argparse shows."""
        path, _, owner = text.rpartition("=")
        uid, _, gid = owner.partition(":")
        if not path.startswith("/") or not uid.isdecimal() or not gid.isdecimal():
            raise argparse.ArgumentTypeError(f"{text!r} is not written like /volumes/data=10001:10001")
        return cls(Path(path), int(uid), int(gid))


def give(volume: Owned, chown: Chown) -> int:
    """Make the folder, and what is in it, its user's; how many paths changed hands. Links are not followed.

    Only a folder that is not yet its user's is gone through: what is in it was written by him otherwise, and a store of
    models takes long.
    """
    if _owner(volume.path) == (volume.uid, volume.gid):
        return 0
    changed = 0
    # Itself last: cut off before that, the next run goes through it again.
    for folder, folders, files in os.walk(volume.path, topdown=False, onerror=_raise):
        for path in (os.path.join(folder, name) for name in (*folders, *files)):  # noqa: PTH118 # os.walk's own names
            chown(path, volume.uid, volume.gid)
            changed += 1
    chown(str(volume.path), volume.uid, volume.gid)
    return changed + 1


def adopt(folder: Owned, chown: Chown) -> int:
    """As `give`, for a folder of the host, and only where Docker made it: a person's own stays that person's."""
    return give(folder, chown) if _owner(folder.path)[0] == 0 else 0


def make_password(file: Owned, chown: Chown) -> bool:
    """Write a random password that only its user can read, unless there is one; whether it was written."""
    if file.path.exists():
        return False
    _put(file, secrets.token_urlsafe(24).encode(), chown)
    return True


@dataclass(frozen=True)
class Handed:
    """A folder of the host and the volume that is to hold the same secrets, written FOLDER:VOLUME=UID:GID."""

    source: Path
    volume: Owned

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `ArgumentTypeError`, which argparse shows."""
        source, _, volume = text.partition(":")
        if not source.startswith("/"):
            raise argparse.ArgumentTypeError(f"{text!r} is not written like /secrets:/volumes/secrets=10001:10001")
        return cls(Path(source), Owned.parse(volume))


def hand_over(handed: Handed, chown: Chown) -> int:
    """Make the volume hold the files of the folder, readable for its user alone, and nothing else; how many there are.
    What explains the folder (README.md, dotfiles) is no secret and stays."""
    found = {path.name: path for path in handed.source.iterdir() if _is_secret(path)}
    for name, path in found.items():
        _put(Owned(handed.volume.path / name, handed.volume.uid, handed.volume.gid), path.read_bytes(), chown)
    for path in handed.volume.path.iterdir():
        if path.name not in found:
            path.unlink()
    return len(found)


def _is_secret(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix != ".md"


def _put(file: Owned, content: bytes, chown: Chown) -> None:
    """At once, so that whoever reads it meanwhile sees the old or the new one."""
    beside = file.path.with_name(f".{file.path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    chown(str(beside), file.uid, file.gid)
    beside.replace(file.path)


def _owner(path: Path) -> tuple[int, int]:
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(f"{path} is no folder")
    return status.st_uid, status.st_gid


def _raise(error: OSError) -> None:
    raise error


def _chown(path: str, uid: int, gid: int) -> None:
    os.chown(path, uid, gid, follow_symlinks=False)


def main(words: Sequence[str] | None = None, chown: Chown = _chown) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="prepare", description="Gives volumes to their users, makes first passwords.")
    parser.add_argument("--own", type=Owned.parse, action="append", default=[], metavar="FOLDER=UID:GID")
    parser.add_argument("--adopt", type=Owned.parse, action="append", default=[], metavar="FOLDER=UID:GID")
    parser.add_argument("--password", type=Owned.parse, action="append", default=[], metavar="FILE=UID:GID")
    parser.add_argument("--copy", type=Handed.parse, action="append", default=[], metavar="FOLDER:VOLUME=UID:GID")
    given = parser.parse_args(words)
    try:
        for act, folders in ((give, given.own), (adopt, given.adopt)):
            for folder in folders:
                if changed := act(folder, chown):
                    sys.stdout.write(f"{folder.path}: {changed} now of user {folder.uid}\n")
        for file in given.password:
            if make_password(file, chown):
                sys.stdout.write(f"{file.path}: made, for user {file.uid}\n")
        for handed in given.copy:
            if count := hand_over(handed, chown):
                sys.stdout.write(f"{handed.volume.path}: {count} secrets, for user {handed.volume.uid}\n")
    except OSError as error:
        sys.stderr.write(f"cannot prepare the volumes: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
