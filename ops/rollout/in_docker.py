"""A service in a container, through the Docker program.

A version is an image, `emini-rag:<commit>`, built from the files of its commit or loaded from a file. While it is on
trial the container runs that image by name, and `emini-rag:latest` is still the old one: `docker compose up` by hand,
whenever, brings that back. When it is kept, `latest` is the new one.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.checkpoint.compose_installation import ComposeInstallation
from ops.checkpoint.live_service import LiveService
from ops.compose.docker import Docker
from ops.compose.files import VARIABLES, Installation, read_variables
from ops.rollout.pointer import Version
from ops.rollout.readiness import READY_S, unready
from ops.rollout.source import Source, prune
from service.cli.failures import Failure

# Which image Compose starts; docker-compose.yml has the default.
IMAGE_VARIABLE = "SERVICE_IMAGE"
_CPUS_VARIABLE = "SERVICE_CPUS"
_REVISION = "org.opencontainers.image.revision"
_FILES = "com.docker.compose.project.config_files"
_ASKED = (
    '{{.Image}}\n{{.HostConfig.NanoCpus}}\n{{index .Config.Labels "' + _FILES + '"}}\n'
    '{{index .Config.Labels "' + _REVISION + '"}}'
)
_BUILD_S, _LOAD_S, _UP_S = 3600.0, 1800.0, 600.0
_LOOK_S = 0.2
_TAIL = 12
_KEPT = 4


@dataclass(frozen=True)
class _Container:
    """What runs: id of its image, what it may use of the processor, the Compose files it was started with."""

    image: str
    cpus: str
    files: tuple[str, ...]
    revision: str


class DockerHost:
    """Implements `Host`. `versions` is a folder for the files of commits; `image` a file to load instead of building,
    None to build."""

    def __init__(
        self,
        docker: Docker,
        files: Installation,
        live: LiveService,
        *,
        source: Source,
        versions: Path,
        image: Path | None = None,
        ready_s: float = READY_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._docker = docker
        self._files = files
        self._live = live
        self._source = source
        self._versions = versions
        self._image = image
        self._ready_s = ready_s
        self._pause = pause
        self._installation = ComposeInstallation(docker, files)

    @property
    def label(self) -> str:
        return self._installation.label

    @property
    def installation(self) -> ComposeInstallation:
        return self._installation

    @property
    def _repository(self) -> str:
        return self._files.project

    def glance(self) -> str:
        container = self._container()
        return f"{container.revision[:12]}, image {container.image[:19]}" if container else "none"

    def present(self) -> Version:
        container = self._container()
        if container is None:
            raise Failure(f"No service of the {self.label} runs", todo="Start it first (`make up`).")
        commit = container.revision.removesuffix("-dirty")
        commit = commit if len(commit) == 40 else ""
        own = f"{self._repository}:{commit[:12]}"
        if commit and self._id_of(own) == container.image:
            return Version(commit, own, self._source.schema(commit))
        place = f"{self._repository}:was-{container.image.removeprefix('sha256:')[:12]}"
        # A name of its own: without one, it would be gone with the next `docker image prune`.
        self._do("tag", container.image, place)
        return Version(commit, place, self._source.schema(commit) if commit else 0)

    def prepare(self, ref: str) -> Version:
        commit = self._source.commit(ref)
        version = Version(commit, f"{self._repository}:{commit[:12]}", self._source.schema(commit))
        if self._image is not None:
            self._do("load", "--input", str(self._image.absolute()), timeout_s=_LOAD_S)
            if not self._id_of(version.place):
                why = f"it holds no image {version.place}"
                raise Failure(f"{self._image} is not of that version", why, todo=f"Save it as {version.place}.")
        elif not self._id_of(version.place):
            self._build(version)
        return version

    def up(self, version: Version, before: Version, trial: str) -> None:  # noqa: ARG002 # the names of images say it
        if not trial:
            self._do("tag", version.place, f"{self._repository}:latest")
        container = self._container()
        files = container.files if container else (self._files.file,)
        told = {IMAGE_VARIABLE: version.place} | ({_CPUS_VARIABLE: container.cpus} if container else {})
        words = ("up", "--detach", "--no-deps", "--no-build", self._files.service)
        answer = self._docker.ask(
            "compose", *(word for file in files for word in ("-f", file)), *words, timeout_s=_UP_S, settings=told
        )
        if answer.returncode != 0:
            raise Failure(f"Compose could not start version {version.short}", answer.stderr.strip()[-500:])
        self._await_ready(version, self._ready_s if trial else max(self._ready_s, READY_S))

    def confirm(self, version: Version, before: Version) -> None:  # noqa: ARG002
        self._do("tag", version.place, f"{self._repository}:latest")

    def point(self, version: Version, before: Version) -> None:
        """A stopped container starts again with the image that it has: so it is made anew, and not started."""
        self.confirm(version, before)
        container = self._container()
        files = container.files if container else (self._files.file,)
        dashes = [word for file in files for word in ("-f", file)]
        words = ("up", "--no-start", "--no-deps", "--no-build", self._files.service)
        told = {IMAGE_VARIABLE: version.place} | ({_CPUS_VARIABLE: container.cpus} if container else {})
        answer = self._docker.ask("compose", *dashes, *words, timeout_s=_UP_S, settings=told)
        if answer.returncode != 0:
            raise Failure(f"Compose could not make a container of {version.short}", answer.stderr.strip()[-500:])

    def serves(self, version: Version) -> bool:
        container = self._container()
        return container is not None and container.image == self._id_of(version.place)

    def last_words(self) -> list[str]:
        found = self._compose("ps", "--all", "--quiet", self._files.service).split()
        # Not by Compose, which mixes in what steers a terminal. What went to standard error, as the end of a Python
        # program does, comes there.
        answers = [self._docker.ask("logs", "--tail", str(_TAIL), one) for one in found]
        return [line for one in answers for line in (one.stdout + one.stderr).splitlines()][-_TAIL:]

    def tidy(self, kept: list[Version]) -> list[str]:
        """Files only: images are the operator's, and cost nothing but space (`docker image ls emini-rag`)."""
        return prune(self._versions, [str((self._versions / one.commit[:12]).absolute()) for one in kept], _KEPT)

    def _build(self, version: Version) -> None:
        place = self._source.lay_out(version.commit, self._versions)
        base = os.environ.get("PYTHON_IMAGE") or read_variables(place / VARIABLES).get("PYTHON_IMAGE", "")
        self._do(
            "build",
            "--file",
            str(place / "service" / "Dockerfile"),
            *(("--build-arg", f"BASE={base}") if base else ()),
            "--build-arg",
            f"REVISION={version.commit}",
            # Without a value: taken from the environment where they are set, such as a mirror of the package index.
            "--build-arg",
            "PIP_INDEX_URL",
            "--build-arg",
            "PIP_TRUSTED_HOST",
            "--tag",
            version.place,
            str(place),
            timeout_s=_BUILD_S,
        )

    def _await_ready(self, version: Version, ready_s: float) -> None:
        why = ""
        for _ in range(max(1, int(ready_s / _LOOK_S))):
            state = self._compose("ps", "--all", "--format", "{{.State}}", self._files.service).strip()
            if state in ("exited", "dead", "restarting"):
                words = self.last_words()
                raise Failure(f"Version {version.short} ended while it started", (words or [""])[-1], lines=words[:-1])
            why = unready(self._live.url)
            if not why:
                break
            self._pause(_LOOK_S)
        else:
            what = f"Version {version.short} is not ready after {ready_s:g} s"
            raise Failure(what, why, lines=self.last_words())
        if not self.serves(version):
            raise Failure(f"The container does not run version {version.short}")

    def _container(self) -> _Container | None:
        found = self._compose("ps", "--all", "--quiet", self._files.service).split()
        if not found:
            return None
        answer = self._docker.ask("inspect", "--format", _ASKED, found[0])
        lines = answer.stdout.removesuffix("\n").split("\n")
        if answer.returncode != 0 or len(lines) != 4:
            raise Failure(f"Docker does not say what container {found[0][:12]} is", answer.stderr.strip()[-500:])
        image, nano, files, revision = lines
        cpus = f"{int(nano) / 1e9:g}" if nano.isdecimal() and int(nano) else "0"
        return _Container(image, cpus, tuple(file for file in files.split(",") if file), revision)

    def _id_of(self, image: str) -> str:
        """Empty when it is not here."""
        answer = self._docker.ask("image", "inspect", "--format", "{{.Id}}", image)
        return answer.stdout.strip() if answer.returncode == 0 else ""

    def _compose(self, *words: str) -> str:
        answer = self._docker.ask("compose", "-f", self._files.file, *words)
        if answer.returncode != 0:
            raise Failure(f"`docker compose {words[0]}` failed", answer.stderr.strip()[-500:])
        return answer.stdout

    def _do(self, *words: str, timeout_s: float = 60.0, settings: Mapping[str, str] | None = None) -> None:
        answer = self._docker.ask(*words, timeout_s=timeout_s, settings=settings)
        if answer.returncode != 0:
            raise Failure(f"`docker {words[0]}` failed", answer.stderr.strip()[-500:])
