"""What only shows when both installations, their surroundings and the documentation are looked at together."""

import itertools
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ops.compose.container import Container
from ops.compose.linter import Fault

PORTS_TABLE = "docs/ports.md"
_NUMBER = re.compile(r"\b\d+\b")


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Fault]:
    """What two files share and must not, standing on one host."""
    for what, of_one, of_other in (
        ("project", {one.get("name")}, {other.get("name")}),
        ("service", set(one["services"]), set(other["services"])),
        ("container", _names(one), _names(other)),
        ("volume", set(one.get("volumes") or ()), set(other.get("volumes") or ())),
        ("network", set(one.get("networks") or ()), set(other.get("networks") or ())),
        ("own image", _built(one), _built(other)),
    ):
        for name in sorted(map(str, of_one & of_other)):
            yield Fault("both", "apart", f"the {what} {name} is in both")


def shared_ports(one: Sequence[Container], other: Sequence[Container]) -> Iterator[Fault]:
    """Ports of the host that both want, or that one wants twice."""
    wanted = sorted((port.port, container.name) for container in (*one, *other) for port in container.published)
    for (port, first), (again, second) in itertools.pairwise(wanted):
        if port == again:
            yield Fault("both", "apart", f"port {port} is wanted by {first} and by {second}")


def undocumented_ports(containers: Sequence[Container], root: Path) -> Iterator[Fault]:
    """Published ports that the table of ports does not have."""
    table = root / PORTS_TABLE
    text = table.read_text(encoding="utf-8") if table.exists() else ""
    known = {int(number) for line in text.splitlines() if line.startswith("|") for number in _NUMBER.findall(line)}
    for container in containers:
        for one in container.published:
            if one.port not in known:
                yield Fault(container.name, "documented", f"port {one.port} is not in {PORTS_TABLE}")


def unusable_mounts(containers: Sequence[Container], root: Path) -> Iterator[Fault]:
    """Mounted paths that are missing, or that a container's user could not read: containers are not their owner."""
    for container in containers:
        reads_all = "DAC_OVERRIDE" in (container.body.get("cap_add") or ())
        for bind in container.binds:
            path = root / bind.source
            if bind.made_by_docker:
                continue
            if not path.exists():
                yield Fault(container.name, "mounted", f"{bind.source} is mounted and is not there")
            elif not reads_all and (closed := _closed_to_others(path)):
                yield Fault(
                    container.name, "mounted", f"{closed.relative_to(root)} cannot be read by others: chmod -R o+rX"
                )


def _closed_to_others(path: Path) -> Path | None:
    for one in (path, *(Path(at, name) for at, folders, files in os.walk(path) for name in (*folders, *files))):
        mode = one.stat().st_mode
        needed = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
        if mode & needed != needed:
            return one
    return None


def _names(content: Mapping[str, Any]) -> set[str]:
    """Of containers, as they are fixed or as Compose would give them."""
    project = content.get("name")
    return {body.get("container_name") or f"{project}-{name}-1" for name, body in content["services"].items()}


def _built(content: Mapping[str, Any]) -> set[str]:
    return {str(body["image"]) for body in content["services"].values() if "build" in body}
