"""Processes that exist only in a test, and a log of what was done to them."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from service.cli.drill.processes import Process


class FakeMachine:
    """Has the interface of `Machine`. `listens` has who listens by port, `family` children by parent's pid, `told` the
    variables by pid; `log` says what was done, `stopped` and `dead` hold pids."""

    def __init__(self, user: int = 1000) -> None:
        self.user = user
        self.listens: dict[int, Process] = {}
        self.family: dict[int, list[Process]] = {}
        self.told: dict[int, dict[str, str]] = {}
        self.log: list[str] = []
        self.stopped: set[int] = set()
        self.dead: set[int] = set()

    def add(self, port: int, name: str, owner: int | None = None, **variables: str) -> Process:
        """A process that listens."""
        process = Process(100 + len(self.listens), "1", name, self.user if owner is None else owner)
        self.listens[port] = process
        self.told[process.pid] = variables
        return process

    def listening(self, port: int) -> Process | None:
        return self.listens.get(port)

    def children(self, process: Process) -> list[Process]:
        return self.family.get(process.pid, [])

    def variables(self, process: Process, names: Collection[str]) -> Mapping[str, str]:
        return {name: value for name, value in self.told.get(process.pid, {}).items() if name in names}

    def is_stopped(self, process: Process) -> bool:
        return process.pid in self.stopped

    def is_there(self, process: Process) -> bool:
        return process.pid not in self.dead

    def stop(self, process: Process) -> bool:
        self.log.append(f"stop {process.pid}")
        if self.is_there(process):
            self.stopped.add(process.pid)
        return self.is_there(process)

    def resume(self, process: Process) -> bool:
        self.log.append(f"resume {process.pid}")
        self.stopped.discard(process.pid)
        return self.is_there(process)

    def kill(self, process: Process) -> bool:
        self.log.append(f"kill {process.pid}")
        self.dead.add(process.pid)
        return True

    @contextmanager
    def guarded(self, process: Process) -> Iterator[None]:
        self.log.append(f"guard {process.pid}")
        yield
        self.log.append(f"unguard {process.pid}")
