"""Who is called: what the service graph and the server attributes need."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from service.telemetry.catalogue import Attribute
from service.telemetry.stage import Attributes

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Peer:
    """A server by the name it has in the service graph."""

    name: str
    address: str
    port: int

    @classmethod
    def of(cls, name: str, url: str) -> "Peer":
        """From the address in settings; credentials in it are left behind."""
        parts = urlsplit(url)
        return cls(name, parts.hostname or "localhost", parts.port or _PORTS.get(parts.scheme, 0))

    @property
    def attributes(self) -> Attributes:
        return {Attribute.PEER: self.name, Attribute.SERVER_ADDRESS: self.address, Attribute.SERVER_PORT: self.port}
