"""Starts the version of the service that is to run on the data folder: `python -m ops.rollout.launch`.

Becomes the service (exec), so whoever supervises it sees one process. Where nothing was deployed, this checkout is
started. While a deploy holds the folder it waits. A version on trial is started by the deploy that tries it, once: when
it has ended by itself, that deploy decides; with no deploy at work the version before comes back. So a machine that
restarts in the middle of a deploy comes up with the old version.

Exit status: 78 when the version that is to run is not there.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

from ops.rollout import pointer
from ops.rollout.pointer import FOLDER, Launched, Unreadable, Version

ROOT = Path(__file__).resolve().parents[2]
# In front of what it says, among what the service says.
NAME = "launcher: "
_CONFIG = 78
_LOOK_S = 0.2
_CHECKOUT: tuple[Version | None, str] = (None, "")
_SERVICE = ("-P", "-m", "service")
Execute = Callable[[str, list[str], Mapping[str, str]], object]


def main(
    variables: Mapping[str, str] | None = None,
    execute: Execute = os.execve,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Does not return when it can start it."""
    variables = os.environ if variables is None else variables
    folder = Path(variables.get("RAG_DATA_DIR") or "data") / FOLDER
    told = False
    while True:
        try:
            # Kept until the exec: whoever holds then, finds what was started by its note.
            with pointer.starting(folder) if folder.is_dir() else nullcontext():
                found = chosen(folder) if folder.is_dir() else _CHECKOUT
                if found is not None:
                    return _become(folder, *found, variables, execute)
        except Unreadable as error:
            _say(str(error))
            return _CONFIG
        if not told:
            _say("a version on trial has ended: a deploy decides")
            told = True
        pause(_LOOK_S)


def chosen(folder: Path) -> tuple[Version | None, str] | None:
    """The version, and the trial it is on; no version for this checkout. None while a deploy has something to
    decide."""
    found = pointer.read(folder)
    if found is None:
        return _CHECKOUT
    if not found.trial:
        return found.current, ""
    if not pointer.is_deploying(folder):
        _say(f"version {found.current.short} was on trial, and no deploy is at work: the one before is started")
        return found.before, ""
    last = pointer.launched(folder)
    return None if last is not None and last.trial == found.trial else (found.current, found.trial)


def _become(folder: Path, version: Version | None, trial: str, variables: Mapping[str, str], execute: Execute) -> int:
    python, place = sys.executable, str(ROOT)
    told = dict(variables)
    if version is not None:
        python, place = str(Path(version.place) / ".venv" / "bin" / "python"), version.place
        told["RAG_REVISION"] = version.commit
        if not Path(python).exists():
            _say(f"version {version.short} is not at {place} any more; `emini-rag deploy` makes one")
            return _CONFIG
        _say(f"version {version.short} runs, as it was deployed; not this checkout ({folder})")
    if folder.is_dir():
        _note(folder, Launched(os.getpid(), place, trial, _output()))
    execute(python, [python, *_SERVICE], told | {"PYTHONPATH": place})
    return 0


def _note(folder: Path, launched: Launched) -> None:
    """A full disk is no reason to be away; but what is on trial must be known to have been started."""
    try:
        pointer.note_launch(folder, launched)
    except OSError as error:
        if launched.trial:
            raise
        _say(f"{folder}: {error.strerror}")


def _say(text: str) -> None:
    sys.stderr.write(f"{NAME}{text}\n")
    sys.stderr.flush()


def _output() -> str:
    """The file that the output goes to; empty for a terminal, a pipe, or where the system does not say."""
    try:
        path = Path("/proc/self/fd/1").readlink()
    except OSError:
        return ""
    return str(path) if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
