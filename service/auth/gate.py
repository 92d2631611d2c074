"""Who may come in: by key, or everybody where that is safe or was asked for."""

from typing import Protocol

from service.auth.bind import is_loopback
from service.auth.principal import LOCAL, Principal
from service.errors import Unauthorized

_NO_KEY = "an API key is needed: send one as `Authorization: Bearer <key>`; `emini-rag keys create` makes one"
_MODES = ("auto", "keys", "open")


class Keys(Protocol):
    """What a gate needs of the key store."""

    def verify(self, token: str) -> Principal: ...

    def list(self) -> tuple[object, ...]: ...


class OpenGate:
    """Admits everybody with every scope. Keys that clients send anyway are not looked at."""

    async def admit(self, authorization: str | None) -> Principal:  # noqa: ARG002 # the port's signature
        return LOCAL


class KeyGate:
    """Admits holders of a key."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def admit(self, authorization: str | None) -> Principal:
        """Raises `Unauthorized`."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized(_NO_KEY)
        return self._keys.verify(token)


class AutoGate:
    """Open until the first key is made, by key ever after: revoking the last key locks the door again."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._by_key = KeyGate(keys)

    async def admit(self, authorization: str | None) -> Principal:
        """Raises `Unauthorized` once there are keys."""
        return await self._by_key.admit(authorization) if self._keys.list() else LOCAL


def gate_for(mode: str, host: str, keys: Keys) -> OpenGate | KeyGate | AutoGate:
    """The gate of `mode` (auto, keys, open) for the address at which others reach it. `auto` on a public one is `keys`.

    Where a request comes from plays no part: behind a published port every client has the bridge's address.
    """
    if mode not in _MODES:
        raise ValueError(f"auth mode must be one of {', '.join(_MODES)}")
    if mode == "open":
        return OpenGate()
    return AutoGate(keys) if mode == "auto" and is_loopback(host) else KeyGate(keys)
