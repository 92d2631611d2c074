"""Holds the Compose files against the rules of this project."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.compose.container import Container
from ops.compose.exceptions import EXCUSES
from ops.compose.rules import containment, life, limits, reach

Rule = Callable[[Container], Iterator[str]]

RULES: tuple[Rule, ...] = (
    containment.read_only_root,
    containment.no_capabilities,
    containment.no_added_capabilities,
    containment.no_new_privileges,
    containment.not_root,
    containment.not_the_host,
    containment.own_paths_only,
    containment.binds_read_only,
    containment.binds_not_made,
    containment.no_shown_secrets,
    limits.memory,
    limits.processes,
    limits.processor,
    limits.scratch,
    limits.logs,
    life.health,
    life.restarts,
    life.waits,
    life.ends_in_time,
    reach.loopback,
    reach.known_networks,
    reach.pinned,
)
# An overlay says only what differs from the file below it.
FOR_OVERLAYS: tuple[Rule, ...] = (reach.loopback, containment.own_paths_only, containment.not_the_host)
# What may reach the world outside, by role, and what for. Everything else is on networks without a way out.
WAY_OUT = {"ollama": "pulls models", "alertmanager": "reaches people"}
_NO_MASQUERADE = ("com.docker.network.bridge.enable_ip_masquerade", "false")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is not as it should be."""

    where: str
    rule: str
    says: str

    def __str__(self) -> str:
        return f"{self.where}: {self.says} ({self.rule})"


def containers(content: Mapping[str, Any], variables: Mapping[str, str], root: Path) -> list[Container]:
    """The services of a file."""
    return [Container(name, body or {}, variables, root) for name, body in content["services"].items()]


def lint_container(container: Container, rules: tuple[Rule, ...] = RULES) -> Iterator[Fault]:
    """What breaks a rule without a reason."""
    for rule in rules:
        name = rule.__name__
        for says in rule(container):
            if not any(excuse.covers(container.name, container.role, name, says) for excuse in EXCUSES):
                yield Fault(container.name, name, says)


def lint_file(content: Mapping[str, Any], variables: Mapping[str, str], root: Path) -> Iterator[Fault]:
    """A file that is complete by itself."""
    if not content.get("name"):
        yield Fault("file", "named", "the project has no name, so that the folder's name decides which volumes it has")
    if "version" in content:
        yield Fault("file", "no_version", "`version` means nothing to Compose v2 and makes it warn")
    networks = content.get("networks") or {}
    for container in containers(content, variables, root):
        yield from lint_container(container)
        yield from _way_out(container, networks)


def _way_out(container: Container, networks: Mapping[str, Any]) -> Iterator[Fault]:
    for name in container.networks:
        if name not in networks:
            yield Fault(container.name, "known_networks", f"the network {name} is not in the file")
        elif container.role not in WAY_OUT and not closed(networks[name] or {}):
            yield Fault(container.name, "way_out", f"it reaches the world outside through {name}, and needs not")
    if container.role in WAY_OUT:
        # Docker's rule: out through that network with a gateway whose name comes first.
        leading = [name for name in sorted(container.networks) if not (networks.get(name) or {}).get("internal")]
        if not leading or closed(networks.get(leading[0]) or {}):
            yield Fault(container.name, "way_out", f"it {WAY_OUT[container.role]}, and gets out through no network")


def closed(network: Mapping[str, Any]) -> bool:
    """Whether nobody on it gets out: no gateway at all, or one that does not let answers find back."""
    name, value = _NO_MASQUERADE
    return network.get("internal") is True or (network.get("driver_opts") or {}).get(name) == value


def unused_excuses(everything: Sequence[Container]) -> Iterator[Fault]:
    """Excuses that nothing needs any more."""
    rules = {rule.__name__: rule for rule in RULES}
    for excuse in EXCUSES:
        if excuse.rule not in rules:
            yield Fault("exceptions", excuse.rule, f"there is no such rule, from which {excuse.who} is excepted")
        elif not any(
            excuse.covers(container.name, container.role, excuse.rule, says)
            for container in everything
            for says in rules[excuse.rule](container)
        ):
            yield Fault("exceptions", excuse.rule, f"{excuse.who} keeps the rule: take the exception away")
