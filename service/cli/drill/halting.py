"""A process held still, or slowed by holding it again and again; it always goes on afterwards."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Self

from service.cli.drill.processes import Machine, Process

_LOOK_S = 0.05
_END_S = 10.0


@contextmanager
def held(machine: Machine, process: Process) -> Iterator[None]:
    """It keeps its port and its connections, and does nothing."""
    with machine.guarded(process):
        try:
            machine.stop(process)
            yield
        finally:
            machine.resume(process)


class Slowed:
    """Used in `with`: the process that `find` gives runs for `run_s`, is held for `stop_s`, and so on.

    When it has ended, another is looked for. `now` is the one that is slowed; None while there is none.
    """

    def __init__(self, machine: Machine, find: Callable[[], Process | None], run_s: float, stop_s: float) -> None:
        self.now: Process | None = None
        self._machine = machine
        self._find = find
        self._run_s = run_s
        self._stop_s = stop_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._slow, name="slowed", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join(_END_S)

    def _slow(self) -> None:
        while not self._over.wait(_LOOK_S):
            process = self._find()
            if process is None:
                continue
            with ExitStack() as removal:
                removal.enter_context(self._machine.guarded(process))
                removal.callback(self._machine.resume, process)
                self.now = process
                self._alternate(process)
            self.now = None

    def _alternate(self, process: Process) -> None:
        """Until it is over, or the process has ended."""
        while self._machine.stop(process):
            self._over.wait(self._stop_s)
            self._machine.resume(process)
            if self._over.wait(self._run_s):
                return
