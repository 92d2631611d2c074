"""Whether the ports of the host are free, asked before anything is started: Docker would stop half-way."""

import errno
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ops.compose.container import Container
from ops.compose.files import interpolate
from ops.stack.port_holder import bind_error


@dataclass(frozen=True)
class Wanted:
    """A port and who wants it."""

    address: str
    port: int
    container: str

    def __str__(self) -> str:
        return f"{self.port} (for {self.container})"


def wanted(containers: Sequence[Container], settings: dict[str, str]) -> Iterator[Wanted]:
    """Every published port with the address that it will have."""
    for container in containers:
        for one in container.published:
            yield Wanted(interpolate(one.address, settings), one.port, container.name)


def taken(
    ports: Sequence[Wanted], ours: Collection[int], is_taken: Callable[[str, int], bool] | None = None
) -> list[Wanted]:
    """Those that somebody else has. `ours` are those that containers of the same project hold already."""
    look = is_taken or _is_taken
    return [one for one in ports if one.port not in ours and look(one.address, one.port)]


def _is_taken(address: str, port: int) -> bool:
    # Any other error, such as a forbidden port, is Docker's to tell: it may be allowed what we are not.
    return bind_error(port, address) == errno.EADDRINUSE
