"""Processes of this machine and user, found by the port on which they listen; stopped for a while, or ended.

Linux tells all of it under /proc; elsewhere nothing is found. Nothing is found in containers either: their ports are
held by the program that publishes them.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from service.cli.drill import guard
from service.listeners import PROC, pids_listening

_STOPPED = "T"
_GUARD_S = 5.0


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `started` tells it from a later one with the same number, `owner` is the user's number."""

    pid: int
    started: str
    name: str
    owner: int
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


class Machine:
    """What runs here. `proc` is where the system tells of it."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = proc

    @property
    def user(self) -> int:
        """The number of the user who runs this."""
        return os.getuid()

    def listening(self, port: int) -> Process | None:
        """Who listens on a port of this machine; None when nobody does, or when the system does not tell."""
        for pid in pids_listening(port, self._proc):
            with suppress(OSError):  # it ended meanwhile
                return self._process(pid)
        return None

    def children(self, process: Process) -> list[Process]:
        """The processes that it started."""
        found = []
        for folder in self._proc.glob("[0-9]*"):
            with suppress(OSError, ValueError, IndexError):
                if guard.stat_of(int(folder.name), self._proc)[1] == process.pid:
                    found.append(self._process(int(folder.name)))
        return found

    def variables(self, process: Process, names: Collection[str]) -> Mapping[str, str]:
        """Those of its environment as it was started with. Others are not looked at: they may be secrets."""
        with suppress(OSError):
            text = (self._proc / str(process.pid) / "environ").read_bytes().decode("utf-8", "replace")
            pairs = (entry.partition("=") for entry in text.split("\0"))
            return {name: value for name, _, value in pairs if name in names}
        return {}

    def is_stopped(self, process: Process) -> bool:
        """Whether something holds it."""
        try:
            return guard.stat_of(process.pid, self._proc)[0] == _STOPPED
        except OSError:
            return False

    def is_there(self, process: Process) -> bool:
        """Whether it has not ended."""
        try:
            return guard.stat_of(process.pid, self._proc)[2] == process.started
        except OSError:
            return False

    def stop(self, process: Process) -> bool:
        """Hold it where it is; whether it is still there."""
        return self._signal(process, signal.SIGSTOP)

    def resume(self, process: Process) -> bool:
        """Let it go on; whether it is still there."""
        return self._signal(process, signal.SIGCONT)

    def kill(self, process: Process) -> bool:
        """End it at once, as a crash would; whether it was still there."""
        return self._signal(process, signal.SIGKILL)

    @contextmanager
    def guarded(self, process: Process) -> Iterator[None]:
        """While the block runs, a program stands by that lets the process go on if this one should die."""
        command = [sys.executable, "-I", guard.__file__, str(process.pid), process.started]
        standing_by = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603
        try:
            yield
        finally:
            if standing_by.stdin is not None:
                standing_by.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                standing_by.wait(_GUARD_S)

    def _signal(self, process: Process, number: signal.Signals) -> bool:
        if not self.is_there(process):
            return False
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def _process(self, pid: int) -> Process:
        folder = self._proc / str(pid)
        words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")
        name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        return Process(pid, guard.stat_of(pid, self._proc)[2], name, folder.stat().st_uid, tuple(words))
