"""Who can reach a container, whom it can reach, and which image it is."""

import re
from collections.abc import Iterator

from ops.compose.container import Container

LOOPBACK = "127.0.0.1"
BY_CHOICE = "${RAG_BIND:-127.0.0.1}"
# They ask who is there before they answer. Nothing else may ever be published beyond this machine.
ASKS_WHO_IS_THERE = frozenset({"rag-service", "frontend", "grafana"})
_OWN_IMAGE = re.compile(r"(emini-rag|config-frontend)(-dev)?:latest")
_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?([-.][\w.-]+)?")


def loopback(container: Container) -> Iterator[str]:
    """A port that Docker publishes goes past the host's firewall: its address is the only control."""
    for one in container.published:
        if one.address == BY_CHOICE and container.role not in ASKS_WHO_IS_THERE:
            yield f"port {one.port} follows RAG_BIND, and whoever reaches it is asked for nothing: {LOOPBACK}"
        elif one.address not in (LOOPBACK, BY_CHOICE):
            yield f"port {one.port} is published on {one.address or 'every address'}: {LOOPBACK} or {BY_CHOICE}"


def known_networks(container: Container) -> Iterator[str]:
    """The network that Compose makes by itself has a way out and no name that anybody chose."""
    if not container.networks and container.body.get("network_mode") != "none":
        yield "it is on the default network: networks"


def pinned(container: Container) -> Iterator[str]:
    """By version at least, by digest where .env knows it."""
    image = container.image
    if _OWN_IMAGE.fullmatch(image):
        return
    name, _, digest = image.partition("@")
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    if not image:
        yield "it names no image, or one of a variable that .env does not set"
    elif digest and not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        yield f"the digest of {name} is none"
    elif not _VERSION.match(tag):
        yield f"{image} is no fixed version: NAME:VERSION, in .env"
