"""The Compose files of this repository, and reading them as they are written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLES = ".env"


@dataclass(frozen=True)
class Installation:
    """One of the two that can stand side by side on a host. File names are relative to the repository."""

    name: str
    project: str
    file: str
    without_gpu: str
    service: str  # what the service is called in it, for `docker compose exec`
    grafana: str


PRODUCTION = Installation(
    "production", "emini-rag", "docker-compose.yml", "docker-compose.cpu.yml", "rag-service", "grafana"
)
DEVELOPMENT = Installation(
    "development",
    "emini-rag-dev",
    "docker-compose.dev.yml",
    "docker-compose.dev.cpu.yml",
    "rag-service-dev",
    "grafana-dev",
)
# Over production alone: development publishes every port anyway.
WITH_PORTS = "docker-compose.ports.yml"


class Unreadable(Exception):
    """A Compose file is not there or no Compose file. The text says which and why."""


class _Loader(yaml.SafeLoader):
    """Knows Compose's own tags, which say how an overlay is laid over what is below it."""


def _drop(loader: _Loader, node: yaml.Node) -> None:  # noqa: ARG001 # PyYAML's signature
    return None


def _keep(loader: _Loader, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_constructor("!reset", _drop)
_Loader.add_constructor("!override", _keep)


def read(path: Path) -> dict[str, Any]:
    """A Compose file with anchors resolved and variables left as they are written. Raises `Unreadable`."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 # a SafeLoader
    except (OSError, yaml.YAMLError) as error:
        raise Unreadable(f"{path.name} cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("services"), dict):
        raise Unreadable(f"{path.name} is no Compose file: it has no services")
    return content


def read_variables(path: Path) -> dict[str, str]:
    """What .env sets. A line is NAME=VALUE, a comment or empty. Raises `Unreadable`."""
    try:
        return dict(_assignments(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read: {error.strerror}") from error


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            yield name.strip(), value.strip()


_REFERENCE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<kind>:?[-?])(?P<rest>[^}]*))?\})")


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """`text` with ${NAME}, ${NAME:-default} and ${NAME:?why} replaced; what is not set and has no default is empty."""

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        default = match["rest"] if (match["kind"] or "").endswith("-") else ""
        return variables.get(match["name"]) or default

    return _REFERENCE.sub(value, text)
