"""Ctrl-C and its like during a drill: heard once, and never while something is being mended."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FrameType
from typing import Any, Self, TypeVar

T = TypeVar("T")
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Used in `with`: the first signal that asks to end interrupts, later ones are answered by `say`. Beside the main
    thread signals are somebody else's, and nothing changes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._asked = False
        self._mending = False
        self._late = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._heard) for number in _ASKING}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def mended(self, fault: AbstractContextManager[T]) -> Iterator[T]:
        """A fault whose end is not interrupted; what asked to end meanwhile is heard when it is over."""
        with ExitStack() as broken:
            told = broken.enter_context(fault)
            broken.callback(self._mend)
            yield told
        self._mending = False
        if self._late:
            raise KeyboardInterrupt

    def _mend(self) -> None:
        self._mending = True

    def _heard(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._asked or self._mending:
            self._late = self._late or not self._asked
            self._say("mending what was broken; this takes a moment")
            return
        self._asked = True
        raise KeyboardInterrupt
