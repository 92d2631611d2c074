"""A service of this machine, without Docker: one process on a data folder, whoever supervises it.

It is asked to end by a signal, and comes up again through the launcher (`launch.py`): by its supervisor (`make stack`,
systemd), else started here. Nothing is started on the data folder while it is held, so there is time to exchange what
is to run.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ops.checkpoint.installation import NativeInstallation
from ops.checkpoint.live_service import LiveService
from ops.rollout import pointer, processes
from ops.rollout.launch import NAME
from ops.rollout.packages import provide, prune_environments, require_importable
from ops.rollout.pointer import FOLDER, Pointer, Version
from ops.rollout.readiness import READY_S, unready
from ops.rollout.source import Source, prune
from ops.stack.site import ROOT
from service.cli.failures import Failure
from service.data_folder import DataFolder

VERSIONS = "versions"
_END_S = 60.0
_LOOK_S = 0.1
_PROCESS = re.compile(r"process (\d+) on \S+ since (\S+ \S+) UTC")
# How long a supervisor may take to start what has ended; that of the stack waits longer after several ends.
_SUPERVISOR_S, _STACK_S = 10.0, 90.0
# How long a process may be there that the launcher does not know.
_STRANGE_S = 3.0
_TAIL = 12
_KEPT = 4


class NativeHost:
    """Implements `Host`. `data` is the service's data folder; `server` is the address of the Chroma server whose
    folder `vectors` is; `running` says which commit runs where nothing was deployed yet, empty for what git remembers.
    `ready_s` is how long it may take to start."""

    def __init__(
        self,
        data: Path,
        vectors: Path | None,
        live: LiveService,
        say: Callable[[str], None],
        *,
        source: Source,
        server: str = "",
        running: str = "",
        ready_s: float = READY_S,
        supervisor_s: float | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._data = data.absolute()
        self._folder = self._data / FOLDER
        self._live = live
        self._say = say
        self._source = source
        self._running = running
        self._ready_s = ready_s
        self._supervisor_s = supervisor_s
        self._pause = pause
        self._with: processes.StartedWith | None = None
        self._launched: pointer.Launched | None = None
        self._installation = HeldInstallation(self, self._data, vectors, server, pause)

    @property
    def label(self) -> str:
        return self._installation.label

    @property
    def installation(self) -> NativeInstallation:
        return self._installation

    def glance(self) -> str:
        found = self._pointed()
        return found.short if found else f"{self._of_the_process()[:12]}, from the checkout"

    def present(self) -> Version:
        found = self._pointed()
        if found is not None:
            return found
        return self._laid_out(self._of_the_process())

    def prepare(self, ref: str) -> Version:
        version = self._laid_out(self._source.commit(ref))
        process = self._process()
        started_with = processes.started_with(process[0]) if process else None
        require_importable(Path(version.place), started_with.variables if started_with else None)
        return version

    def up(self, version: Version, before: Version, trial: str) -> None:
        self._installation.let_go()
        with self.held():
            self._write(Pointer(version, before, trial))
        self._await_start()
        self._await_ready(version, self._ready_s if trial else max(self._ready_s, READY_S))

    def confirm(self, version: Version, before: Version) -> None:
        self._write(Pointer(version, before))

    def point(self, version: Version, before: Version) -> None:
        self._write(Pointer(version, before))

    def serves(self, version: Version) -> bool:
        process, last = self._process(), pointer.launched(self._folder)
        return process is not None and last is not None and process[0] == last.pid and last.place == version.place

    def last_words(self) -> list[str]:
        last = pointer.launched(self._folder)
        if last is None or not last.output:
            return []
        with suppress(OSError):
            lines = Path(last.output).read_text(errors="replace").splitlines()[-2 * _TAIL :]
            return [line for line in lines if not line.startswith(NAME)][-_TAIL:]
        return []

    def tidy(self, kept: list[Version]) -> list[str]:
        removed = prune(self._data / VERSIONS, [one.place for one in kept], _KEPT)
        prune_environments(self._data / VERSIONS)
        return removed

    @contextmanager
    def held(self) -> Iterator[None]:
        """The service has ended, and nothing starts one."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with pointer.holding(self._folder):
            self.end()
            self._launched = pointer.launched(self._folder)
            yield

    def end(self) -> None:
        """End the service, by force when it does not end in order."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            pids = self._pids()
            for pid in pids:
                self._with = processes.started_with(pid) or self._with
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            for _ in range(int(_END_S / _LOOK_S)):
                if not self._installation.serving() and not self._pids():
                    return
                self._pause(_LOOK_S)
        raise Failure(f"Process {', '.join(map(str, pids))} cannot be ended")

    def come_up(self) -> None:
        """After the hold: wait for whoever starts it, or start it, and until it is ready."""
        self._await_start()
        found = self._pointed()
        if found is not None:
            self._await_ready(found, max(self._ready_s, READY_S))

    def _write(self, to: Pointer) -> None:
        try:
            pointer.write(self._folder, to)
        except OSError as error:
            raise Failure(
                f"{self._folder} cannot be written", error.strerror or "", todo="Make room for it."
            ) from error

    def _pointed(self) -> Version | None:
        """What comes up; None where nothing was deployed."""
        try:
            found = pointer.read(self._folder)
        except pointer.Unreadable as error:
            raise Failure(str(error)) from error
        if found is None:
            return None
        return found.before if found.trial and found.before is not None else found.current

    def _process(self) -> tuple[int, float] | None:
        """Number and beginning of the process on the data folder."""
        told = _PROCESS.match(DataFolder(self._data).holder() or "")
        if told is None:
            return None
        since = datetime.strptime(told[2], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return int(told[1]), since.timestamp()

    def _pids(self) -> set[int]:
        """Of what is on the data folder, and of what was launched and is on the way there."""
        process, last = self._process(), pointer.launched(self._folder)
        found = {process[0]} if process else set()
        if last is not None and processes.is_alive(last.pid):
            # The number may be another one's by now.
            begun = processes.started_with(last.pid)
            if begun is not None and begun.variables.get("PYTHONPATH") == last.place:
                found.add(last.pid)
        return found

    def _of_the_process(self) -> str:
        """Which commit it was started from, where it was started from the checkout."""
        if self._running:
            return self._source.commit(self._running)
        process = self._process()
        if process is None:
            raise Failure(f"No service uses the {self.label}", todo="Start it first (`make run`, `make stack`).")
        commit = self._source.commit_at(process[1])
        if changed := self._source.changed():
            raise Failure(
                "The version that runs could not be brought back",
                "files of the checkout differ from its commit, and may have when it was started",
                lines=changed[:5],
                todo=f"Commit them, or say which commit runs: --running {commit[:12]}",
            )
        return commit

    def _laid_out(self, commit: str) -> Version:
        folder = self._data / VERSIONS
        place = self._source.lay_out(commit, folder)
        provide(place, folder, self._source.root)
        return Version(commit, str(place), self._source.schema(commit))

    def _await_start(self) -> None:
        """A supervisor starts it; where nobody does, it is started here."""
        patience_s = self._supervisor_s
        if patience_s is None:
            patience_s = _STACK_S if processes.is_locked(self._data / "stack" / "stack.lock") else _SUPERVISOR_S
        for _ in range(max(1, int(patience_s / _LOOK_S))):
            if pointer.launched(self._folder) != self._launched or self._process() is not None:
                return
            self._pause(_LOOK_S)
        variables: Mapping[str, str] = self._with.variables if self._with else os.environ
        where = self._with.folder if self._with else Path.cwd()
        output = self._folder / "service.log"
        with output.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-P", "-m", "ops.rollout.launch"],
                cwd=where,
                env={**variables, "RAG_DATA_DIR": str(self._data), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # It is to outlive this command: nobody here waits for its end.
        started.returncode = 0
        self._say(f"  nobody started it within {patience_s:g} s: started here, as process {started.pid}, into {output}")

    def _await_ready(self, version: Version, ready_s: float) -> None:
        """Raises `Failure` when it ends, when another version comes, or when it is not ready in time."""
        why, strangers = "it does not run", 0
        for _ in range(max(1, int(ready_s / _LOOK_S))):
            process, last = self._process(), pointer.launched(self._folder)
            strange = process is not None and (last is None or process[0] != last.pid)
            # For a moment only, where one has ended and the next one has just begun.
            strangers = strangers + 1 if strange else 0
            if strangers * _LOOK_S > _STRANGE_S:
                todo = "Start it by `make run`, `make stack` or `emini-rag serve`: they ask which version is to run."
                raise Failure("What started the service did not ask which version is to run", todo=todo)
            ours = last is not None and last != self._launched and last.place == version.place
            if last is not None and ours and not processes.is_alive(last.pid):
                words = self.last_words()
                raise Failure(f"Version {version.short} ended while it started", (words or [""])[-1], lines=words[:-1])
            if process is not None and self.serves(version):
                why = unready(self._live.url)
                if not why:
                    return
            self._pause(_LOOK_S)
        raise Failure(f"Version {version.short} is not ready after {ready_s:g} s", why, lines=self.last_words())


class HeldInstallation(NativeInstallation):
    """The same data folder, for checkpoints and restores: kept from being started between `stop` and `start`."""

    def __init__(
        self,
        host: NativeHost,
        data: Path,
        vectors: Path | None,
        server: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(data, vectors, server=server, pause=pause)
        self._host = host
        self._hold = ExitStack()

    def require_stoppable(self) -> None:
        """It always is."""

    def stop(self) -> bool:
        """Whether or not it ran: `start` then brings up the version that was pointed to."""
        self.let_go()
        self._hold.enter_context(self._host.held())
        return True

    def start(self) -> None:
        self.let_go()
        self._host.come_up()

    def let_go(self) -> None:
        """Whoever supervises it may start it."""
        self._hold.close()
