"""Whether an address may be listened on: a public one only with keys that keep strangers out."""

import ipaddress
from typing import Protocol

from service.errors import ErrorKind, ServiceError


class LiveKeys(Protocol):
    """What is asked of the key store."""

    def has_live_keys(self) -> bool: ...


class PublicWithoutKeys(ServiceError):
    """The service would be reachable from other machines with no key to keep them out."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.FORBIDDEN, detail)


def check_bind(mode: str, host: str, keys: LiveKeys) -> None:
    """Raises `PublicWithoutKeys` for a public address with no live key. `open` is an explicit choice and passes: behind
    a container's published port, or a proxy that asks for keys itself, it is the right one."""
    if mode == "open" or is_loopback(host) or keys.has_live_keys():
        return
    raise PublicWithoutKeys(
        f"refusing to listen on {host or 'all addresses'} without an API key, because other machines could ask: create "
        "one with `emini-rag keys create NAME --scope ask`, or listen on 127.0.0.1, or set RAG_AUTH__MODE=open if "
        "something else keeps strangers out"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost counts as public."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
