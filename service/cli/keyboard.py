"""Keys as they are pressed, without Enter. Where nobody sits at a keyboard there are none, and it only waits."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

if sys.platform != "win32":
    import termios
    import tty


@contextmanager
def keyboard() -> Iterator[Callable[[float], str]]:
    """A function that waits for a key for so many seconds: the key, or "" when none was pressed. The terminal is given
    back as it was, whatever happens; Ctrl-C stays what it is."""
    if not sys.stdin.isatty():
        yield _wait
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield lambda timeout_s: _pressed(descriptor, timeout_s)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _pressed(descriptor: int, timeout_s: float) -> str:
    ready, _, _ = select.select([descriptor], [], [], timeout_s)
    return os.read(descriptor, 1).decode("ascii", "replace") if ready else ""


def _wait(timeout_s: float) -> str:
    time.sleep(timeout_s)
    return ""
