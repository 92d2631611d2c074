"""A child process with its own group and log: started, waited for with a bound, ended together with its children."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

# For addresses of this machine: a proxy that the environment names is not asked.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Below the range from which systems take the ports of outgoing connections and of servers that do not care: those would
# take a free port away before the process that is meant to have it is up.
_PORTS = range(15_000, 32_000)
# More than the last lines of any log; the whole of one may not fit into memory.
_TAIL_BYTES = 65_536


def free_port() -> int:
    """A loopback port that nobody used a moment ago."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", random.SystemRandom().choice(_PORTS)))
            return int(probe.getsockname()[1])


def answers(url: str, timeout_s: float = 2.0) -> bool:
    """Whether a GET of `url` gives a 2xx. A proxy in the environment is not asked."""
    try:
        with DIRECT.open(url, timeout=timeout_s) as reply:
            return bool(200 <= reply.status < 300)
    except (OSError, urllib.error.URLError):
        return False


class NotInTime(Exception):
    """Something that was waited for did not come true, or cannot any more."""


class ComponentFailed(Exception):
    """A component did not start or answer. The text ends with the last lines of its log."""


class Process:
    """One component, called `name` in messages (default: its program). The log goes to `log`; it is kept, and a further
    start appends to it."""

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, log: Path, name: str = ""
    ) -> None:
        self._command = [str(part) for part in command]
        self._name = name or Path(self._command[0]).name
        self._environment = dict(environment)
        self._folder = folder
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ComponentFailed(f"{self._name} is not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def how_it_ended(self) -> str:
        """Such as "with status 1" or "by SIGKILL"; empty while it runs, and after it was ended from here."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return ""
        return f"with status {status}" if status >= 0 else f"by {_signal_name(-status)}"

    def launch(self) -> None:
        """Start, and do not wait."""
        if self.running:
            raise ComponentFailed(f"{self._name} is already started")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Start, and wait until it is ready. Raises `ComponentFailed` and leaves nothing running when it is not."""
        self.launch()
        try:
            wait_until(is_ready, timeout_s, f"{self._name} ready", alive=lambda: self.running)
        except NotInTime as error:
            self.kill()
            raise ComponentFailed(f"{error}\n{self.tail()}") from error

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask it to end; after `timeout_s` end it and its children by force. Nothing happens when it has ended."""
        if self._process is None:
            return
        if self.running:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End it and every process of its group at once, as a crash would."""
        if self._process is None:
            return
        # Its children keep the group alive after it has gone, so the group is signalled even then.
        self._signal(signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    def tail(self, lines: int = 30) -> str:
        """The end of the log, with a heading."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except OSError:
            text = ""
        return f"--- last lines of {self.log} ---\n" + "\n".join(text.splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Component(ABC):
    """What is the same for every component that is one process, held in `_process`. Used in `with`, it is started and
    ended in order. After `kill` or `stop`, `start` brings it back at the same address with the same data."""

    _process: Process

    @property
    def log(self) -> Path:
        """Its output; kept after it has ended."""
        return self._process.log

    @property
    def pid(self) -> int:
        return self._process.pid

    def tail(self, lines: int = 30) -> str:
        """The end of its output, with a heading."""
        return self._process.tail(lines)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.running

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it can be used. Raises `ComponentFailed` with the end of the log."""

    def stop(self, timeout_s: float = 10.0) -> None:
        """End it and its children in order, by force after `timeout_s`."""
        self._process.stop(timeout_s)

    def kill(self) -> None:
        """End it and its children at once, as a crash would."""
        self._process.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def wait_until(
    condition: Callable[[], bool], timeout_s: float, what: str, alive: Callable[[], bool] = lambda: True
) -> None:
    """Ask again every few milliseconds until `condition` holds. Raises `NotInTime` when time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if not alive():
            raise NotInTime(f"the process ended before this came true: {what}")
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.02)
