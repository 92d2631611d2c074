"""Which Host and Origin headers are accepted.

A page on another site can make a browser send requests to a service on this machine. DNS rebinding needs a host *name*
that the attacker owns, so addresses are always accepted and names must be known; forms and scripts of other sites
carry a foreign Origin, so changing requests that have one must come from a known host.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from service.errors import ErrorKind, Forbidden, ServiceError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ANY = "*"


class AllowedHosts:
    """Loopback, `bound_host` and `names`, whatever the port. The name `*` turns both checks off."""

    def __init__(self, bound_host: str, names: Iterable[str] = ()) -> None:
        self._names = frozenset(name.lower() for name in ("localhost", bound_host, *names) if name)
        self._seen: dict[bytes, bool] = {}

    def check(self, method: str, headers: Iterable[tuple[bytes, bytes]], last: Mapping[bytes, bytes]) -> None:
        """Raises `ServiceError` (BAD_REQUEST) for the Host, `Forbidden` for the Origin."""
        if _ANY in self._names:
            return
        host = last.get(b"host")
        if host is None or sum(name == b"host" for name, _ in headers) > 1 or not self._accepts(host):
            detail = "the Host header names no host of this service; add the name to RAG_SERVER__ALLOWED_HOSTS"
            raise ServiceError(ErrorKind.BAD_REQUEST, detail)
        origin = last.get(b"origin")
        if origin is not None and method not in _SAFE_METHODS and not self._is_ours(origin, host):
            detail = "a page of another site may not do this; to allow it, add its host to RAG_SERVER__ALLOWED_HOSTS"
            raise Forbidden(detail)

    def _accepts(self, host: bytes) -> bool:
        # A handful of values in practice; the bound keeps a liar from filling the memory.
        known = self._seen.get(host)
        if known is None:
            known = self._allows(_hostname(b"//" + host))
            if len(self._seen) < 100:
                self._seen[host] = known
        return known

    def _is_ours(self, origin: bytes, host: bytes) -> bool:
        name = _hostname(origin)
        return name is not None and (name in self._names or _is_loopback(name) or name == _hostname(b"//" + host))

    def _allows(self, name: str | None) -> bool:
        return name is not None and (name in self._names or _address(name) is not None)


def _hostname(url: bytes) -> str | None:
    try:
        return urlsplit(url.decode("ascii")).hostname
    except ValueError:
        return None


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _is_loopback(name: str) -> bool:
    address = _address(name)
    return address is not None and address.is_loopback
