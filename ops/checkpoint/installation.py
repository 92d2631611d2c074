"""An installation of the service, as far as copying and exchanging its documents goes: where they are, whether it runs,
how it is stopped and started. Natively here; with Docker in `compose_installation.py`."""

import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ops.checkpoint.files import copy_database, move_tree
from ops.checkpoint.manifest import GRAFANA, PROMETHEUS
from ops.checkpoint.store import FolderStore, Store
from service.cli.failures import USAGE, Failure
from service.data_folder import DataFolder

_STOP_S = 120.0
_LOOK_S = 0.05
_PROMETHEUS_DATA, _GRAFANA_DATA = Path(PROMETHEUS, "data"), Path("grafana", "data")


class Installation(Protocol):
    """One of them. Raises `Failure`."""

    @property
    def label(self) -> str: ...

    @property
    def store(self) -> Store: ...

    def serving(self) -> bool:
        """Whether a service uses the documents now."""
        ...

    def require_stoppable(self) -> None:
        """Raises `Failure` when it runs and cannot be stopped from here."""
        ...

    def stop(self) -> bool:
        """End what uses the documents; whether there was anything."""
        ...

    def startable(self) -> bool:
        """Whether `start` can be expected to work."""
        ...

    def start(self) -> None: ...

    def images(self) -> list[dict[str, str]]:
        """What runs in containers: service, image, its id and digest."""
        ...

    def require_parts(self, *, images: bool, prometheus: bool, grafana: bool) -> None:
        """Raises `Failure` when one of those that are wanted cannot be had."""
        ...

    def save_images(self, to: Path) -> None: ...

    def configuration(self) -> dict[str, Any]:
        """What is configured beside the service's own settings."""
        ...

    def copy_snapshot(self, name: str, to: Path) -> None:
        """Take the files of a snapshot that Prometheus has just made: it holds them on its disk for ever else."""
        ...

    def copy_grafana(self, to: Path) -> None:
        """Grafana's database."""
        ...


class NativeInstallation:
    """A data folder of this machine. `stop` and `start` are commands, such as `systemctl stop emini-rag`; without them
    a service that runs is not touched. `server` is the address of the Chroma server whose folder `vectors` is, empty
    for none; `beside` is where the native stack keeps what is not the service's."""

    def __init__(
        self,
        data: Path,
        vectors: Path | None,
        *,
        stop: str = "",
        start: str = "",
        server: str = "",
        beside: Path | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._data = data.absolute()
        self._stop = _words(stop)
        self._start = _words(start)
        self._beside = beside or self._data / "stack"
        self._pause = pause
        self.store: Store = FolderStore(data, vectors, server)

    @property
    def label(self) -> str:
        return f"data folder {self._data}"

    def serving(self) -> bool:
        return self._holder() is not None

    def require_stoppable(self) -> None:
        holder = self._holder()
        if holder is not None and not (self._stop and self._start):
            todo = (
                "Stop the service first, or say how it is stopped and started: --stop 'systemctl stop emini-rag' "
                "--start 'systemctl start emini-rag'."
            )
            raise Failure(f"The {self.label} is in use", f"by {holder}", todo=todo)

    def stop(self) -> bool:
        if not self.serving():
            return False
        self.require_stoppable()
        self._run(self._stop)
        for _ in range(int(_STOP_S / _LOOK_S)):
            if not self.serving():
                return True
            self._pause(_LOOK_S)
        raise Failure(f"The service still uses the {self.label} {_STOP_S:g} s after it was stopped")

    def startable(self) -> bool:
        return bool(self._start)

    def start(self) -> None:
        self._run(self._start)

    def images(self) -> list[dict[str, str]]:
        return []

    def require_parts(self, *, images: bool, prometheus: bool, grafana: bool) -> None:
        if images:
            raise Failure("There are no images to save", "this installation runs without Docker", code=USAGE)
        todo = "Name the folder of the stack with --stack, if it is another one."
        if prometheus and not (self._beside / _PROMETHEUS_DATA).is_dir():
            raise Failure(f"There is no Prometheus in {self._beside}", todo=todo)
        if grafana and not (self._beside / _GRAFANA_DATA / GRAFANA).is_file():
            raise Failure(f"There is no database of Grafana in {self._beside / _GRAFANA_DATA}", todo=todo)

    def save_images(self, to: Path) -> None:
        """There are none: see `require_parts`."""

    def configuration(self) -> dict[str, Any]:
        return {}

    def copy_snapshot(self, name: str, to: Path) -> None:
        folder = self._beside / _PROMETHEUS_DATA / "snapshots" / name
        if not folder.is_dir():
            todo = "Ask the Prometheus of this stack (--prometheus), and remove the snapshot of the other one."
            raise Failure(f"Another Prometheus made the snapshot {name}: it is not in {folder.parent}", todo=todo)
        move_tree(folder, to)

    def copy_grafana(self, to: Path) -> None:
        copy_database(self._beside / _GRAFANA_DATA / GRAFANA, to)

    def _holder(self) -> str | None:
        return DataFolder(self._data).holder()

    def _run(self, command: list[str]) -> None:
        # Into a file: a service that is started may keep a pipe for ever.
        with tempfile.TemporaryFile() as output:
            try:
                ended = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=_STOP_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Failure(f"`{shlex.join(command)}` failed", str(error)) from error
            if ended.returncode != 0:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()[-500:]
                raise Failure(f"`{shlex.join(command)}` failed with status {ended.returncode}", said)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise Failure(f"{command!r} is no command", str(error).lower(), code=USAGE) from error
