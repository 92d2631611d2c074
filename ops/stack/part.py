"""One part of an installation: what runs it, and the running of it."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ops.stack.process import Component, ComponentFailed, Process, answers

# With it a part ends even when the supervisor is killed and cannot end it: the kernel sends the signal.
_BOUND = ("setpriv", "--pdeathsig", "TERM", "--")


@dataclass(frozen=True)
class Plan:
    """How to run one part.

    `command` starts with the program; `folder` is where its log is, and where it runs unless `runs_in` says otherwise;
    `url` is its address for people and clients, `ready` one that answers 2xx when it can be used. `ports` must be free
    before. `start_s` is the longest start, `grace_s` the longest orderly end. `metrics_port` is what Prometheus
    scrapes, 0 for nothing.
    """

    name: str
    what: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    url: str
    ready: str
    ports: tuple[int, ...]
    start_s: float = 30.0
    grace_s: float = 10.0
    metrics_port: int = 0
    runs_in: Path | None = None
    # What to do about a failed start, by words that are then at the end of the log.
    remedies: Mapping[str, str] = field(default_factory=dict)


class Part(Component):
    """A part as a process. After `kill` or `stop`, `start` brings it back at the same address with the same data."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        plan.folder.mkdir(parents=True, exist_ok=True)
        log = plan.folder / f"{plan.name}.log"
        where = plan.runs_in or plan.folder
        self._process = Process([*_bound(), *plan.command], plan.environment, where, log, plan.name)

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def url(self) -> str:
        return self.plan.url

    @property
    def ready(self) -> bool:
        """Whether it can be used now."""
        return answers(self.plan.ready)

    @property
    def how_it_ended(self) -> str:
        """Such as "with status 1" or "by SIGKILL"; empty while it runs."""
        return self._process.how_it_ended

    def launch(self) -> None:
        """Start, and do not wait."""
        self._process.launch()

    def start(self) -> None:
        """Start, and wait until it can be used. Raises `ComponentFailed` with the end of the log, and with what to do
        where that is known."""
        try:
            self._process.start(lambda: self.ready, self.plan.start_s)
        except ComponentFailed as error:
            raise ComponentFailed(self._advised(str(error))) from error

    def tail(self, lines: int = 30) -> str:
        """The end of its output, with a heading, and what to do where that is known."""
        return self._advised(super().tail(lines))

    def stop(self, timeout_s: float | None = None) -> None:
        """End it in order, by force when its time is over."""
        self._process.stop(self.plan.grace_s if timeout_s is None else timeout_s)

    def _advised(self, text: str) -> str:
        told = [remedy for words, remedy in self.plan.remedies.items() if words in text]
        return "\n".join([text, *told[:1]])


@cache
def _bound() -> tuple[str, ...]:
    """Words before a command; none where the program is not there or does not know the option."""
    known = shutil.which(_BOUND[0]) and subprocess.run([*_BOUND, "true"], capture_output=True, check=False)
    return _BOUND if known and known.returncode == 0 else ()
