"""Who asks, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum

from service.errors import Forbidden


class Scope(StrEnum):
    """What a key allows. `admin` is a scope of its own: it implies none of the others."""

    ASK = "ask"
    INGEST = "ingest"
    MONITOR = "monitor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """The one behind a request. `tenant` partitions cache and corpus; `id` is the key's, safe to log."""

    id: str
    name: str
    scopes: frozenset[Scope]
    tenant: str = "default"

    def require(self, scope: Scope) -> None:
        """Raises `Forbidden` without `scope`."""
        if scope not in self.scopes:
            raise Forbidden(f"this key has no `{scope}` scope; use one that has, or create it with that scope")


# Everyone, where no key is asked for (development, loopback without keys).
LOCAL = Principal(id="local", name="local", scopes=frozenset(Scope))
