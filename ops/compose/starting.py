"""`up` and `dev`: everything that can be known to go wrong is asked before anything is started."""

import json
import os
import subprocess
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.compose import addresses, host_ports
from ops.compose.apart import unusable_mounts
from ops.compose.container import Container
from ops.compose.docker import Docker, Unusable
from ops.compose.files import DEVELOPMENT, VARIABLES, WITH_PORTS, Installation, read, read_variables
from ops.compose.gpu import Wish, choose
from ops.compose.linter import containers
from ops.stack.process import DIRECT

_WAIT_S = 600
# The folder is the developer's, and the service in its container, another user, writes to it.
_OUTPUTS = "outputs"
_OPEN_TO_ALL = 0o1777
_MOST_CORES = 4


def ready_answer(url: str) -> Mapping[str, object] | None:
    """The service's own word on what it leans on; None when there is none."""
    try:
        with DIRECT.open(url, timeout=5) as reply:
            told = json.load(reply)
    except (OSError, urllib.error.URLError, ValueError):
        return None
    return told if isinstance(told, dict) else None


@dataclass(frozen=True)
class Order:
    """What somebody asked for. `extra` go to `docker compose up` as they are."""

    installation: Installation
    gpu: Wish = "auto"
    ports: bool = False
    extra: Sequence[str] = ()


@dataclass(frozen=True)
class Surroundings:
    """What starting looks at and speaks through; tests bring their own."""

    docker: Docker
    root: Path
    settings: Mapping[str, str]
    say: Callable[[str], None]
    host: Path = Path("/")
    ready: Callable[[str], Mapping[str, object] | None] = ready_answer


def start(order: Order, around: Surroundings) -> int:
    """The exit status of Compose. Raises `Unusable` when it is known beforehand that it could not work."""
    around.docker.check_compose()
    info = around.docker.info()
    choice = choose(order.gpu, info, around.host)
    around.say(choice.because)
    files = files_of(order, choice.gpu)
    services = list(_services(files, around))
    _check_mounts(services, around)
    ports = list(host_ports.wanted(services, dict(around.settings)))
    _check_ports(ports, order, around)
    if order.installation is DEVELOPMENT:
        _make_outputs(around.root / _OUTPUTS)
    words = ("up", "--detach", "--build", "--wait", "--wait-timeout", str(_WAIT_S), *order.extra)
    status = around.docker.compose(files, words, _settings(around))
    if status != 0:
        around.say(f"not everything came up; see: docker compose {_dashes(files)} ps --all, and logs SERVICE")
        return status
    for line in _told(order, ports, around):
        around.say(line)
    return 0


def files_of(order: Order, with_gpu: bool) -> list[str]:
    """The Compose files, in the order in which they are laid over each other."""
    files = [order.installation.file]
    if not with_gpu:
        files.append(order.installation.without_gpu)
    if order.ports and order.installation is not DEVELOPMENT:
        files.append(WITH_PORTS)
    return files


def _services(files: Sequence[str], around: Surroundings) -> Iterator[Container]:
    variables = read_variables(around.root / VARIABLES)
    for file in files:
        yield from containers(read(around.root / file), variables, around.root)


def _check_mounts(services: Sequence[Container], around: Surroundings) -> None:
    if faults := sorted({fault.says for fault in unusable_mounts(services, around.root)}):
        raise Unusable(
            "\n".join(("what the containers need from here cannot be used:", *(f"  {one}" for one in faults)))
        )


def _check_ports(ports: Sequence[host_ports.Wanted], order: Order, around: Surroundings) -> None:
    if taken := host_ports.taken(ports, around.docker.ports_of(order.installation.project)):
        names = ", ".join(map(str, taken))
        raise Unusable(
            f"in use by something else on this host: port {names}. End it (`ss -ltnp` shows who it is); it may be the "
            "stack that runs without Docker"
        )


def _make_outputs(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir()
        folder.chmod(_OPEN_TO_ALL)


def _settings(around: Surroundings) -> dict[str, str]:
    """What the files leave open and this host knows. What somebody has set stays."""
    cores = min(os.cpu_count() or 1, _MOST_CORES)
    known = {"REVISION": _revision(around.root), "SERVICE_CPUS": f"{cores}.0"}
    return {name: value for name, value in known.items() if name not in around.settings}


def _revision(root: Path) -> str:
    """The commit, marked when files differ from it; "unknown" outside a repository."""
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()


def _told(order: Order, ports: Sequence[host_ports.Wanted], around: Surroundings) -> Iterator[str]:
    yield ""
    yield f"{order.installation.project} is up:"
    yield from addresses.table(ports)
    service = next(one for one in ports if one.container == order.installation.service)
    yield ""
    yield from addresses.next_steps(order.installation, around.ready(f"{addresses.url(service)}/readyz"))


def _dashes(files: Sequence[str]) -> str:
    return " ".join(f"-f {file}" for file in files)
