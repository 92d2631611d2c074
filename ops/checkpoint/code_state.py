"""Which source this is, by git: commit, and what differs from it. A tag per checkpoint; nothing is ever committed.

Without git, or outside a repository, there is nothing to say and nothing goes wrong.
"""

import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TAG = "checkpoint/"
_QUICK_S = 60.0
_FILES_TOLD = 200
_PATCH_BYTES = 20 << 20


@dataclass(frozen=True)
class CodeState:
    """`changed` names files that differ from `commit` (the first ones); `described` is `git describe`."""

    commit: str
    branch: str
    described: str
    changed: tuple[str, ...] = ()

    @property
    def dirty(self) -> bool:
        return bool(self.changed)

    def as_object(self) -> dict[str, Any]:
        return asdict(self) | {"changed": list(self.changed), "dirty": self.dirty}


class Repository:
    """The one that holds `folder`. No method raises but for `OSError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def state(self) -> CodeState | None:
        """None where there is no git, no repository, or no commit."""
        commit = self._ask("rev-parse", "--verify", "HEAD^{commit}")
        if commit is None:
            return None
        changed = (self._ask("status", "--porcelain", "--untracked-files=normal") or "").splitlines()
        branch = self._ask("rev-parse", "--abbrev-ref", "HEAD") or ""
        described = self._ask("describe", "--always", "--tags", "--dirty", f"--exclude={_TAG}*") or commit
        return CodeState(commit, branch, described, tuple(line[3:] for line in changed[:_FILES_TOLD]))

    def patch(self) -> str:
        """What makes the tracked files out of the commit again; empty when nothing differs or it is too large."""
        patch = self._ask("diff", "--binary", "HEAD", strip=False) or ""
        return patch if len(patch) <= _PATCH_BYTES else ""

    def tag(self, name: str, commit: str) -> str:
        """Tag the commit; what is wrong when that cannot be done, else empty."""
        return "" if self._ask("tag", _TAG + name, commit) is not None else f"the tag {_TAG}{name} could not be made"

    def untag(self, name: str, commit: str) -> None:
        """Take the tag away again, when it is still at that commit."""
        if self._ask("rev-parse", "--verify", f"refs/tags/{_TAG}{name}^{{commit}}") == commit:
            self._ask("tag", "--delete", _TAG + name)

    def between(self, old: str, new: str) -> list[str]:
        """Commits from one to the other, a line each, the newest first; empty when they are not known here."""
        return (self._ask("log", "--oneline", "--no-decorate", "--max-count=50", f"{old}..{new}") or "").splitlines()

    def _ask(self, *words: str, strip: bool = True) -> str | None:
        """What git says; None when it fails."""
        program = shutil.which("git")
        if program is None:
            return None
        try:
            ended = subprocess.run(
                [program, *words],
                cwd=self._folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_QUICK_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if ended.returncode != 0:
            return None
        return ended.stdout.rstrip("\n") if strip else ended.stdout
