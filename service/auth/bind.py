"""Whether an address may be listened on: a public one only with keys that keep strangers out."""

import ipaddress
from typing import Protocol

from service.errors import ErrorKind, ServiceError

_CREATE = "emini-rag keys create NAME --scope ask"
_IN_CONTAINER = f"docker compose run --rm rag-service {_CREATE}"


class LiveKeys(Protocol):
    """What is asked of the key store."""

    def has_live_keys(self) -> bool: ...


class PublicWithoutKeys(ServiceError):
    """The service would be reachable from other machines with no key to keep them out."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.FORBIDDEN, detail)


def check_bind(mode: str, host: str, keys: LiveKeys, published_on: str = "") -> None:
    """Raises `PublicWithoutKeys` for a public address with no live key. `open` is an explicit choice and passes: behind
    a proxy that asks for keys itself it is the right one.

    A container binds all its addresses, and only its host knows where others reach it: `published_on`, when given, is
    looked at in place of `host`.
    """
    if mode == "open" or is_loopback(published_on or host) or keys.has_live_keys():
        return
    if published_on:
        where, create, instead = f"be published on {published_on}", _IN_CONTAINER, "publish it with RAG_BIND=127.0.0.1"
    else:
        where, create, instead = f"listen on {host or 'all addresses'}", _CREATE, "listen on 127.0.0.1"
    raise PublicWithoutKeys(
        f"refusing to {where} without an API key, because other machines could ask: create one with `{create}`, or "
        f"{instead}, or set RAG_AUTH__MODE=open if something else keeps strangers out"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost counts as public."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
