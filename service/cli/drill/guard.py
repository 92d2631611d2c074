"""Lets a stopped process go on when the drill that stopped it is gone, however it ended: `guard.py PID STARTED`.

A program of its own, in a session of its own, so that neither Ctrl-C nor the death of the drill ends it. It waits for
the end of its standard input, which the system closes with the drill; the time of the start tells the process from a
later one with the same number.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Of /proc/PID/stat, counted from behind the name, which may hold anything.
_STATE, _PARENT, _STARTED = 0, 1, 19


def stat_of(pid: int, proc: Path = Path("/proc")) -> tuple[str, int, str]:
    """State (T: stopped), parent, and the time of the start in the system's ticks. Raises `OSError` when it is gone."""
    fields = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return fields[_STATE], int(fields[_PARENT]), fields[_STARTED]


def resume(pid: int, started: str) -> bool:
    """Let it go on if it is still the same; whether it is."""
    try:
        if stat_of(pid)[2] != started:
            return False
        os.kill(pid, signal.SIGCONT)
    except OSError:
        return False
    return True


def main(words: Sequence[str]) -> int:
    """Wait, then resume."""
    sys.stdin.buffer.read()
    resume(int(words[0]), words[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
