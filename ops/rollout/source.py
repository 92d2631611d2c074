"""Versions of the source, by git: what a name means, what ran when, and a version's files laid out in a folder.

Nothing is committed, checked out or changed in the repository.
"""

import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from service.cli.failures import USAGE, Failure
from service.whole_file import sync_folder

_SCHEMA = re.compile(r"^SCHEMA_VERSION\s*=\s*(\d+)", re.MULTILINE)
_SCHEMA_FILE = "service/corpus/schema.py"
# What a native version is made of; a difference elsewhere does not change what runs.
CODE = ("service", "ops", "pyproject.toml", "requirements.txt")
_PATIENCE_S = 120.0
# What git ends with where a name means nothing; with anything else it could not look.
_UNKNOWN = 1


class Source:
    """The repository at `root`. Raises `Failure`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def commit(self, ref: str) -> str:
        """The commit that a branch, a tag or the start of a hash means."""
        if ref.startswith("-"):
            raise Failure(f"{ref} is no version", code=USAGE)
        answer = self._git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if answer.returncode not in (0, _UNKNOWN):
            raise self._unreadable(answer)
        if answer.returncode == _UNKNOWN:
            todo = "Name a branch, a tag or a commit of this repository (`git log`, `git fetch`)."
            if self._git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
                todo = "Only the latest commits are here: `git fetch --unshallow` fetches the others."
            raise Failure(f"There is no version {ref} here", todo=todo, code=USAGE)
        return answer.stdout.strip()

    def commit_at(self, at_s: float) -> str:
        """Where this checkout was then, as git remembers it."""
        when = datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds")
        answer = self._git("rev-parse", "--verify", "--quiet", f"HEAD@{{{when}}}^{{commit}}")
        return answer.stdout.strip() if answer.returncode == 0 else self.commit("HEAD")

    def changed(self) -> list[str]:
        """Files of the code that differ from the commit, new ones included."""
        answer = self._git("status", "--porcelain", "--untracked-files=normal", "--", *CODE)
        if answer.returncode != 0:
            raise self._unreadable(answer)
        return [line[3:] for line in answer.stdout.splitlines()]

    def subject(self, commit: str) -> str:
        """The first line of its message."""
        return self._git("log", "-1", "--format=%s", commit).stdout.strip()

    def schema(self, commit: str) -> int:
        """Which schema of the documents it writes; 0 when it does not say."""
        answer = self._git("show", f"{commit}:{_SCHEMA_FILE}")
        found = _SCHEMA.search(answer.stdout) if answer.returncode == 0 else None
        return int(found[1]) if found else 0

    def lay_out(self, commit: str, folder: Path) -> Path:
        """Its files in a folder of their own below `folder`: there whole or not at all, and not done twice."""
        place = folder.absolute() / commit[:12]
        if place.is_dir():
            return place
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob(".new-*"):
            shutil.rmtree(left, ignore_errors=True)
        half = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        with tempfile.TemporaryFile() as archive:
            ended = subprocess.run(
                [_program(), "archive", "--format=tar", commit],
                cwd=self.root,
                stdout=archive,
                stderr=subprocess.PIPE,
                timeout=_PATIENCE_S,
                check=False,
            )
            if ended.returncode != 0:
                raise Failure(f"git cannot give the files of {commit[:12]}", ended.stderr.decode().strip())
            archive.seek(0)
            with tarfile.open(fileobj=archive) as files:
                files.extractall(half, filter="data")
        half.chmod(0o755)
        half.rename(place)
        sync_folder(folder)
        return place

    def _unreadable(self, answer: "subprocess.CompletedProcess[str]") -> Failure:
        todo = "A version is a commit: work in a clone of the repository."
        return Failure(f"git cannot read {self.root}", answer.stderr.strip(), todo=todo)

    def _git(self, *words: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                [_program(), *words],
                cwd=self.root,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Failure(f"`git {words[0]}` did not end within {_PATIENCE_S:g} s") from error


def prune(folder: Path, kept: Sequence[str], newest: int) -> list[str]:
    """Remove laid out versions but those at the places that are `kept` and the `newest`; what was removed."""
    found = [path for path in folder.iterdir() if re.fullmatch(r"[0-9a-f]{12}", path.name)] if folder.is_dir() else []
    found.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    removed = [path for path in found[newest:] if str(path.absolute()) not in kept]
    for path in removed:
        shutil.rmtree(path)
    return [path.name for path in removed]


def _program() -> str:
    program = shutil.which("git")
    if program is None:
        raise Failure("git is not here", "a version is a commit", todo="Install git.")
    return program
