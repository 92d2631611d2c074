"""The installation in containers: its documents are in volumes, which a helper container works on (`inside.py`).

The helper is the service's own image, for its Python and packages, with this checkout in place of its code. It has no
network, no capability but those that reading and giving away another user's files takes, and only the volumes it needs.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from ops.checkpoint.configuration import of_environment, without_secrets
from ops.checkpoint.files import OnBytes, nobody
from ops.checkpoint.inside import CHECKPOINT, CORPUS, FURTHER, VECTORS
from ops.checkpoint.manifest import GRAFANA, PROMETHEUS
from ops.checkpoint.store import Look
from ops.compose.docker import Docker, Unusable
from ops.compose.files import Installation as Files
from ops.stack.site import ROOT
from service.cli.failures import Failure
from service.store_swap import Journal, Phase

# A copy of a large store takes as long as the disk does.
_LONG_S = 3600.0
_QUICK_S = 30.0
_STOP_S = 180.0
_HARDENED = (
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp",
    "--user=0:0",
    "--cap-drop=ALL",
    "--cap-add=DAC_OVERRIDE",
    "--cap-add=CHOWN",
    "--cap-add=FOWNER",
    "--security-opt=no-new-privileges:true",
    "--no-healthcheck",
    "--log-driver=none",
)


class Volumes:
    """Which volume holds what, as Compose itself resolves it. `service`, `chroma` name services."""

    def __init__(self, docker: Docker, files: Files) -> None:
        self._docker = docker
        self._files = files

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """All of it. Raises `Failure`."""
        answer = _ask(self._docker, "compose", "-f", self._files.file, "config", "--format", "json")
        if answer.returncode != 0:
            raise Failure(f"Compose cannot read {self._files.file}", answer.stderr.strip()[-500:])
        return dict(json.loads(answer.stdout))

    @property
    def service(self) -> str:
        return self._files.service

    @cached_property
    def chroma(self) -> str:
        return self.named("chromadb")

    @property
    def image(self) -> str:
        return str(self.configuration["services"][self.service]["image"])

    def named(self, start: str) -> str:
        """The service whose name begins so. Raises `Failure`."""
        found = [name for name in self.configuration["services"] if name.startswith(start)]
        if not found:
            raise Failure(f"There is no {start} in {self._files.file}")
        return str(found[0])

    def at(self, service: str, target: str) -> str:
        """The name of the volume that a service has at `target`. Raises `Failure`."""
        for mount in self.configuration["services"][service].get("volumes", ()):
            if mount.get("type") == "volume" and mount.get("target") == target:
                return str(self.configuration["volumes"][mount["source"]]["name"])
        raise Failure(f"{service} has no volume at {target} in {self._files.file}")


class VolumeStore:
    """Implements `Store` over two volumes."""

    def __init__(self, docker: Docker, volumes: Volumes) -> None:
        self._docker = docker
        self._volumes = volumes
        self._alone = False

    def look(self) -> Look:
        told = self._run("look")
        return Look(told["identity"], told["size"], told["free"])

    def copy(self, to: Path, *, caches: bool, on_bytes: OnBytes = nobody) -> None:
        """How many bytes it were is only known at the end: the helper says nothing before."""
        told = self._run("copy", to.parent.name, *(["caches"] if caches else []), checkpoint=to.parent)
        on_bytes(told["bytes"])

    def model_digests(self, to: Path) -> None:
        self._run("digests", to.parent.name, to.name, checkpoint=to.parent)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Each step takes the lock for itself: its holder is a container that ends."""
        self._alone = True
        try:
            yield
        finally:
            self._alone = False

    def version(self) -> int:
        return int(self._run("version")["version"])

    def stage(self, checkpoint: Path, on_bytes: OnBytes = nobody) -> None:
        on_bytes(self._run("stage", checkpoint.name, checkpoint=checkpoint, changed=False)["bytes"])

    def journal(self) -> Journal | None:
        told = self._run("journal")["journal"]
        if told is None:
            return None
        lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
        return Journal(told["checkpoint"], Phase(told["phase"]), told["vectors"], **lists)

    def begin(self, checkpoint: str) -> None:
        self._run("begin", checkpoint)

    def advance(self) -> None:
        self._run("advance")

    def turn_back(self) -> None:
        self._run("back")

    def settle(self) -> None:
        self._run("settle")

    def fetch(self, kind: str, volume: str, given: str, to: Path) -> None:
        """A `tree` or `database` out of another volume."""
        self._run("fetch", kind, given, to.parent.name, to.name, checkpoint=to.parent, further=volume)

    def _run(
        self, *words: str, checkpoint: Path | None = None, changed: bool = True, further: str = ""
    ) -> dict[str, Any]:
        """One step in a helper container. Raises `Failure`."""
        volumes = self._volumes
        mounts = [
            f"{volumes.at(volumes.service, '/data')}:{CORPUS}",
            f"{volumes.at(volumes.chroma, '/data')}:{VECTORS}",
            f"{ROOT}:/code:ro",
        ]
        if checkpoint is not None:
            mounts.append(f"{checkpoint.absolute()}:{CHECKPOINT}/{checkpoint.name}" + ("" if changed else ":ro"))
        if further:
            mounts.append(f"{further}:{FURTHER}")
        answer = _ask(
            self._docker,
            "run",
            "--rm",
            *_HARDENED,
            *(f"--volume={mount}" for mount in mounts),
            "--workdir=/code",
            "--env=PYTHONPATH=/code",
            "--env=PYTHONDONTWRITEBYTECODE=1",
            "--entrypoint=python",
            volumes.image,
            "-m",
            "ops.checkpoint.inside",
            *words,
            *(["alone"] if self._alone else []),
            timeout_s=_LONG_S,
        )
        try:
            told = dict(json.loads(answer.stdout.strip().splitlines()[-1]))
        except (IndexError, ValueError):
            why = answer.stderr.strip()[-500:] or f"status {answer.returncode}"
            raise Failure("The helper container failed", why) from None
        if "failure" in told:
            raise Failure(str(told["failure"]), str(told.get("why", "")), todo=str(told.get("todo", "")))
        return told


class ComposeInstallation:
    """Implements `Installation`."""

    def __init__(self, docker: Docker, files: Files) -> None:
        self._docker = docker
        self._files = files
        self._volumes = Volumes(docker, files)
        self._store = VolumeStore(docker, self._volumes)

    @property
    def label(self) -> str:
        return f"Compose project {self._files.project}"

    @property
    def store(self) -> VolumeStore:
        return self._store

    def serving(self) -> bool:
        return self._volumes.service in self._running("running")

    def require_stoppable(self) -> None:
        """Compose can always."""

    def stop(self) -> bool:
        # Chroma's server holds the vectors, whether or not the service runs.
        running = self._running("running", "restarting", "paused")
        there = [name for name in (self._volumes.service, self._volumes.chroma) if name in running]
        if there:
            self._compose("stop", *there)
        return bool(there)

    def startable(self) -> bool:
        return self._volumes.service in self._compose("ps", "--all", "--services").split()

    def start(self) -> None:
        self._compose("start", self._volumes.chroma, self._volumes.service)

    def images(self) -> list[dict[str, str]]:
        services = self._volumes.configuration["services"]
        return [
            {"service": name, "image": str(one["image"]), **self._image(str(one["image"]))}
            for name, one in sorted(services.items())
            if one.get("image")
        ]

    def require_parts(self, *, images: bool, prometheus: bool, grafana: bool) -> None:
        """Docker has every part, or says so when it is asked for it."""

    def save_images(self, to: Path) -> None:
        """Those that are here: one that was never pulled cannot be saved."""
        there = sorted({one["image"] for one in self.images() if one["id"]})
        answer = _ask(self._docker, "save", "--output", str(to), *there, timeout_s=_LONG_S)
        if answer.returncode != 0:
            raise Failure("The images could not be saved", answer.stderr.strip()[-500:])
        to.chmod(0o600)

    def configuration(self) -> dict[str, Any]:
        """The settings too: those of the container, not of whoever makes the checkpoint."""
        told = self._volumes.configuration
        given = told["services"][self._volumes.service].get("environment") or {}
        variables = {name: str(value) for name, value in given.items() if value is not None}
        return {"compose": without_secrets(told), "file": self._files.file, **of_environment(variables)}

    def copy_snapshot(self, name: str, to: Path) -> None:
        volume = self._volumes.at(self._volumes.named(PROMETHEUS), "/prometheus")
        self._store.fetch("tree", volume, f"snapshots/{name}", to)

    def copy_grafana(self, to: Path) -> None:
        volume = self._volumes.at(self._volumes.named("grafana"), "/var/lib/grafana")
        self._store.fetch("database", volume, GRAFANA, to)

    def _running(self, *states: str) -> Sequence[str]:
        return self._compose("ps", *(f"--status={state}" for state in states), "--services").split()

    def _image(self, image: str) -> dict[str, str]:
        answer = _ask(self._docker, "image", "inspect", "--format", "{{json .}}", image)
        if answer.returncode != 0:
            return {"id": "", "digest": ""}
        told = json.loads(answer.stdout)
        digests = told.get("RepoDigests") or [""]
        return {"id": str(told.get("Id", "")), "digest": str(digests[0]).rpartition("@")[2]}

    def _compose(self, *words: str) -> str:
        answer = _ask(self._docker, "compose", "-f", self._files.file, *words, timeout_s=_STOP_S)
        if answer.returncode != 0:
            raise Failure(f"`docker compose {words[0]}` failed", answer.stderr.strip()[-500:])
        return answer.stdout


def _ask(docker: Docker, *words: str, timeout_s: float = _QUICK_S) -> "subprocess.CompletedProcess[str]":
    """Raises `Failure` when Docker gives no answer at all."""
    try:
        return docker.ask(*words, timeout_s=timeout_s)
    except Unusable as error:
        raise Failure("Docker does not do as it should", str(error)) from error
