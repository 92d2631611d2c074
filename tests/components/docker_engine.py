"""A Docker engine for tests: one started for them, in folders of its own, or the one that DOCKER_HOST names.

Starting one needs root, `dockerd`, `iptables` and the docker program with Compose v2. It ends with everything that it
made: containers, networks with their bridges, mounts, rules of the packet filter, its folder.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ops.compose.docker import NEEDED, version_of
from ops.stack.process import Component, ComponentFailed, Process
from tests.components.packet_filter import PacketFilter

START_S = 60.0
STOP_S = 30.0
QUICK_S = 60.0
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class DockerFailed(Exception):
    """A docker command failed or took too long. The text has the command and the end of what it said."""


class Docker:
    """The docker program, talking to the engine at `host`. Nothing of the user's own settings of docker is read;
    `environment` is all that it is given."""

    def __init__(self, host: str, folder: Path) -> None:
        self.host = host
        configuration = folder / "docker-config"
        configuration.mkdir(exist_ok=True)
        own_plugins = Path.home() / ".docker" / "cli-plugins"
        if own_plugins.is_dir() and not (configuration / "cli-plugins").exists():
            (configuration / "cli-plugins").symlink_to(own_plugins)
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(folder),
            "DOCKER_HOST": host,
            "DOCKER_CONFIG": str(configuration),
        }

    def run(
        self,
        *words: str | Path,
        timeout_s: float = QUICK_S,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stdin: Path | None = None,
    ) -> str:
        """What it writes to its standard output, without the last line's end. Raises `DockerFailed`."""
        command = ["docker", *map(str, words)]
        with contextlib.ExitStack() as opened:
            try:
                done = subprocess.run(
                    command,
                    env=self.environment | dict(environment or {}),
                    cwd=folder,
                    stdin=opened.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL,
                    capture_output=True,
                    timeout=timeout_s,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise DockerFailed(f"not within {timeout_s:g} s: {_text(command)}\n{_end(error.stderr)}") from error
        if done.returncode != 0:
            raise DockerFailed(
                f"{_text(command)}: exit status {done.returncode}\n{_end(done.stdout)}{_end(done.stderr)}"
            )
        return done.stdout.decode(errors="replace").rstrip("\n")

    def lines(self, *words: str) -> list[str]:
        """The lines that it writes."""
        return self.run(*words).splitlines()

    def try_run(self, *words: str, timeout_s: float = QUICK_S) -> None:
        """For cleaning up: a failure is no reason to leave the rest lying."""
        with contextlib.suppress(DockerFailed):
            self.run(*words, timeout_s=timeout_s)

    def answers(self) -> bool:
        """Whether there is an engine."""
        try:
            self.run("version", timeout_s=10)
        except DockerFailed:
            return False
        return True


class OwnEngine(Component):
    """`dockerd` with data and sockets in `folder`, which must be short: the path of a socket has about 100 bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        socket = f"unix://{folder / 'docker.sock'}"
        self.docker = Docker(socket, folder)
        self._filter = PacketFilter()
        self._forwarding = _FORWARDING.read_text()
        command = ["dockerd", "--host", socket, "--bridge=none", "--group=root", "--config-file", folder / "none.json"]
        for option, name in (("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "docker.pid")):
            command += [option, folder / name]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder)}
        self._process = Process(command, environment, folder, folder / "dockerd.log")

    def start(self) -> None:
        """Start, and wait until it answers."""
        (self._folder / "none.json").write_text("{}")  # not the machine's own /etc/docker/daemon.json
        try:
            self._process.start(self.docker.answers, START_S)
        except ComponentFailed:
            self._tidy()
            raise

    def stop(self, timeout_s: float = STOP_S) -> None:
        """End it, and remove whatever it made outside its folder."""
        for what, end in (("ps --all --quiet", "rm --force --volumes"), ("network ls --quiet", "network rm")):
            with contextlib.suppress(DockerFailed):
                for one in self.docker.lines(*what.split()):
                    self.docker.try_run(*end.split(), one)
        self._process.stop(timeout_s)
        self._tidy()

    def _tidy(self) -> None:
        for pid in _processes_with(str(self._folder)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for mount in _mounts_below(self._folder):
            subprocess.run(["umount", "--lazy", mount], check=False, stderr=subprocess.DEVNULL)
        self._filter.restore()
        _FORWARDING.write_text(self._forwarding)


def why_none() -> str:
    """Why there is and can be no engine here; empty when there is or can be one."""
    if shutil.which("docker") is None:
        return "the program `docker` is not on PATH"
    compose = subprocess.run(
        ["docker", "compose", "version", "--short"], capture_output=True, text=True, timeout=30, check=False
    )
    if compose.returncode != 0 or version_of(compose.stdout) < NEEDED:
        return f"no Compose {NEEDED[0]}.{NEEDED[1]} or newer"
    if given := os.environ.get("DOCKER_HOST", ""):
        return "" if given.startswith("unix://") else "DOCKER_HOST is on another machine, whose ports are not here"
    if os.geteuid() != 0:
        return "starting a Docker engine needs root, and DOCKER_HOST names no running one"
    for program in ("dockerd", "iptables", "iptables-save", "iptables-restore"):
        if shutil.which(program) is None:
            return f"the program `{program}` is not on PATH"
    if others := _named("dockerd"):
        # A second one would remove the rules by which the first one's containers reach each other.
        return f"a Docker engine runs already (process {others[0]}): let the tests use it by DOCKER_HOST=unix:///path"
    return ""


@contextlib.contextmanager
def engine() -> Iterator[Docker]:
    """An engine, for as long as the block lasts. Raises `ComponentFailed` with the end of the log of one that does not
    start."""
    folder = Path(tempfile.mkdtemp(prefix="rag-docker-"))
    try:
        if given := os.environ.get("DOCKER_HOST"):
            docker = Docker(given, folder)
            if not docker.answers():
                raise ComponentFailed(f"no Docker engine answers at DOCKER_HOST ({given})")
            yield docker
        else:
            with OwnEngine(folder) as own:
                yield own.docker
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _named(program: str) -> list[int]:
    return [pid for pid, words in _processes() if words and Path(words[0]).name == program]


def _processes_with(text: str) -> list[int]:
    return [pid for pid, words in _processes() if pid != os.getpid() and any(text in word for word in words)]


def _processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield int(entry.parent.name), entry.read_bytes().decode(errors="replace").split("\0")


def _mounts_below(folder: Path) -> list[str]:
    """Innermost first."""
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return sorted((point for point in points if point.startswith(f"{folder}/")), key=len, reverse=True)


def _text(command: list[str]) -> str:
    return " ".join(command)


def _end(output: bytes | None, lines: int = 40) -> str:
    return "\n".join((output or b"").decode(errors="replace").splitlines()[-lines:])
