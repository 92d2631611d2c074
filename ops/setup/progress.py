"""Tells a person, while something long runs, what it is at and how long it has taken."""

import time
from collections.abc import Callable
from typing import TextIO

EVERY_S = 15.0  # how often a log gets a line; a terminal's line is renewed each second


def clock_text(seconds: float) -> str:
    """Minutes and seconds: 0:07, 12:30."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Progress:
    """One task's lines on `out`: renewed in place on a terminal, a new line every `EVERY_S` elsewhere."""

    def __init__(self, title: str, out: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._out = out
        self._now = now
        self._started = now()
        self._shown = self._started
        self._terminal = out.isatty()

    @property
    def elapsed_s(self) -> float:
        return self._now() - self._started

    def show(self, state: str) -> None:
        """Say `state`, unless the last line is too young."""
        now = self._now()
        if now - self._shown < (1.0 if self._terminal else EVERY_S):
            return
        self._shown = now
        self._write(f"{state}, {clock_text(self.elapsed_s)}", last=False)

    def end(self, state: str) -> None:
        """Say how it ended, with the time it took."""
        self._write(f"{state} after {clock_text(self.elapsed_s)}", last=True)

    def _write(self, text: str, last: bool) -> None:
        if self._terminal:
            self._out.write(f"\r\x1b[K{self._title}: {text}" + ("\n" if last else ""))
        else:
            self._out.write(f"{self._title}: {text}\n")
        self._out.flush()
