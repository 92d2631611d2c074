"""One of the Compose installations on a test's engine: from a copy of the checkout, on free ports of the host.

The files run as they are shipped, with one overlay of the test's over them. That overlay changes the ports of the host,
lets a build reach the package index, and puts a stand-in where Tempo's image cannot be had. What else cannot be had is
not started.
"""

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ops.compose.files import ROOT, Installation, read_variables
from ops.stack.process import free_port
from tests.components.docker_engine import Docker, DockerFailed
from tests.components.docker_images import Images
from tests.components.spans import Span, from_json

UP_S = 240.0
BUILD_S = 600.0
_COPIED = (
    ".dockerignore", ".env", "dashboards", "docker-compose*.yml", "documents", "frontend", "ops", "otel", "prometheus",
    "pyproject.toml", "requirements.txt", "service",
)  # fmt: skip
# Stands in for Tempo: takes OTLP/HTTP where Tempo would, and writes it down.
_STAND_IN = """\
receivers: {otlp: {protocols: {http: {endpoint: "0.0.0.0:4418"}}}}
exporters: {file: {path: /received/spans.jsonl, flush_interval: 50ms}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}}, telemetry: {metrics: {level: none}}}
"""


class _Override(list[str]):
    """A list that replaces the one below it, and is not added to it."""


class _Nothing:
    """Takes away what is below it."""


yaml.SafeDumper.add_representer(_Nothing, lambda dumper, _: dumper.represent_scalar("!reset", "null"))
yaml.SafeDumper.add_representer(
    _Override, lambda dumper, data: dumper.represent_sequence("!override", data, flow_style=True)
)


def copy_checkout(folder: Path) -> Path:
    """What an installation is made of, copied into `folder`: a test may change it, and Docker writes beside it."""
    for pattern in _COPIED:
        for source in sorted(ROOT.glob(pattern)):
            if source.is_dir():
                shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / source.name)
    return folder


class ComposeProject:
    """`installation` on the processor, its files in `checkout`. `overlays` are further files of the checkout."""

    def __init__(
        self,
        docker: Docker,
        images: Images,
        checkout: Path,
        installation: Installation,
        overlays: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.docker = docker
        self.checkout = checkout
        self.installation = installation
        self.project = installation.project
        self._images = images
        self._settings = dict(settings or {})
        self._files = [installation.file, installation.without_gpu, *overlays]
        self.services: dict[str, dict[str, Any]] = self._configuration()["services"]
        pinned = read_variables(checkout / ".env")
        not_there = {pinned[variable] for variable in images.absent}
        self.absent = {name for name, body in self.services.items() if body["image"] in not_there}
        self._received = checkout / f"received-{installation.project}"
        self._stands_in = {name for name in self.absent if name.removesuffix("-dev") == "tempo"}
        overlay = checkout / f"overlay-{installation.project}.yml"
        overlay.write_text(yaml.safe_dump({"services": self._overlay()}, sort_keys=False))
        self._files.append(overlay.name)

    @property
    def started(self) -> list[str]:
        """The services that `up` starts, stand-ins included; what only prepares the others is not among them."""
        lasting = {name for name, body in self.services.items() if body.get("restart") != "no"}
        return sorted(lasting - self.absent | self._stands_in)

    @property
    def environment(self) -> dict[str, str]:
        """What Compose is given: the images that were made here, and what the test sets."""
        return self._images.environment | self._settings

    def compose(self, *words: str, timeout_s: float = UP_S, settings: Mapping[str, str] | None = None) -> str:
        """Run Compose on this installation; `settings` are for this time alone."""
        files = [word for file in self._files for word in ("--file", file)]
        return self.docker.run(
            "compose",
            *files,
            *words,
            timeout_s=timeout_s,
            environment=self.environment | dict(settings or {}),
            folder=self.checkout,
        )

    def build(self) -> None:
        """The images that the installation is built from."""
        self.compose("build", timeout_s=BUILD_S)

    def up(self) -> None:
        """Start all that can be had, as `make up` does, and wait until it is well. Raises `DockerFailed` with the end
        of the logs."""
        try:
            self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "180")
        except DockerFailed as error:
            raise DockerFailed(f"{error}\n{self.told()}") from error

    def down(self, *words: str) -> None:
        """Remove containers and networks; with `--volumes` the data too."""
        self.compose("down", "--remove-orphans", *words)

    def remove(self) -> None:
        """Leave nothing of it, whatever state it is in."""
        with contextlib.suppress(DockerFailed):
            self.down("--volumes", "--timeout", "5")
        for body in self.services.values():
            if "build" in body:
                self.docker.try_run("image", "rm", "--force", str(body["image"]))

    def told(self) -> str:
        """State of every container and the end of its log, for the message of a failure."""
        with contextlib.suppress(DockerFailed):
            return f"{self.compose('ps', '--all')}\n{self.compose('logs', '--no-color', '--tail', '30')}"
        return ""

    def url(self, service: str, port: int) -> str:
        """How this machine reaches a published port of a service."""
        return f"http://{self.compose('port', service, str(port))}"

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows about the container of a service."""
        identity = self.compose("ps", "--all", "--quiet", service)
        (found,) = json.loads(self.docker.run("inspect", identity))
        return dict(found)

    def spans(self) -> list[Span]:
        """What arrived at Tempo's stand-in."""
        file = self._received / "spans.jsonl"
        # A line without its end is still being written.
        complete = file.read_text().rpartition("\n")[0] if file.exists() else ""
        return [span for line in complete.splitlines() for span in from_json(json.loads(line))]

    def _configuration(self) -> dict[str, Any]:
        return dict(json.loads(self.compose("config", "--format", "json")))

    def _overlay(self) -> dict[str, dict[str, Any]]:
        overlay: dict[str, dict[str, Any]] = {}
        for name, body in self.services.items():
            change: dict[str, Any] = {}
            if ports := body.get("ports"):
                change["ports"] = _Override(f"127.0.0.1:{free_port()}:{one['target']}" for one in ports)
            if "build" in body:
                change["build"] = {"network": "host"}
            if name in self._stands_in:
                change |= self._stand_in()
            elif name in self.absent:
                change["profiles"] = ["cannot be had"]
            if change:
                overlay[name] = change
        return overlay

    def _stand_in(self) -> dict[str, Any]:
        self._received.mkdir(exist_ok=True)
        self._received.chmod(0o777)
        (self.checkout / "stand-in.yml").write_text(_STAND_IN)
        mounted = ["./stand-in.yml:/stand-in.yml:ro", f"./{self._received.name}:/received"]
        image = self._images.environment["COLLECTOR_IMAGE"]
        changed = {"image": image, "command": ["--config=/stand-in.yml"], "volumes": _Override(mounted)}
        return {**changed, "healthcheck": _Nothing()}
