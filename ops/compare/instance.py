"""One of the two services that are compared: what it says it is, and asking it."""

from collections.abc import Mapping
from typing import Any

from ops.compare.measured import NO_REPLY, Lost, Side, Taken, taken
from service.cli.client import ServiceClient
from service.cli.failures import Failure
from service.clock import Clock
from service.errors import ErrorKind

_NEEDS_KEY = {ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN}
# The same for every further question, so the first one ends the comparison.
_FATAL = {*_NEEDS_KEY, ErrorKind.MODEL_NOT_FOUND, ErrorKind.NOT_FOUND}
AWAY = frozenset({NO_REPLY, ErrorKind.SHUTTING_DOWN.value})
BUSY = frozenset({ErrorKind.OVERLOADED.value, ErrorKind.RATE_LIMITED.value})


class Instance:
    """`fields` go with every question. Raises `Failure` when nothing of ours answers at the address."""

    def __init__(self, side: Side, service: ServiceClient, fields: Mapping[str, Any], clock: Clock) -> None:
        self.side = side
        self.service = service
        self._fields = dict(fields)
        self._clock = clock
        todo = f"Start it, or name another address with --{side}."
        try:
            about = service.get("/healthz")
        except Failure as failure:
            raise Failure(failure.what, failure.why, todo=todo, code=failure.code) from failure
        if not {"version", "environment"} <= about.keys():
            raise Failure(f"What answers at {service.url} is not this service", todo=todo)
        self.version = str(about["version"])
        self.environment = str(about["environment"])

    def __str__(self) -> str:
        return f"{self.service.url} ({self.environment}, version {self.version})"

    def ask(self, text: str) -> Taken | Lost:
        """One answer, or why there is none. Raises `Failure` for what will not change: no key, no such model."""
        begun = self._clock.monotonic()
        try:
            body = self.service.post("/ask", {"query": text, **self._fields})
            seconds = self._clock.monotonic() - begun
        except Failure as failure:
            if failure.kind in _FATAL:
                lines = [f"this is the {self.side}, at {self.service.url}"]
                key = f"Name a file that holds a key for it: --{self.side}-key-file."
                todo = key if failure.kind in _NEEDS_KEY else failure.todo
                raise Failure(failure.what, failure.why, lines=lines, todo=todo, kind=failure.kind) from failure
            kind = NO_REPLY if failure.kind is ErrorKind.OTHER else failure.kind.value
            return Lost(kind, f"{failure.what}: {failure.why}" if failure.why else failure.what)
        try:
            return taken(body, seconds)
        except (KeyError, TypeError, ValueError) as error:
            what = f"The answer of {self.service.url} is not that of this service"
            raise Failure(
                what, f"{type(error).__name__}: {error}", todo="Compare versions that fit each other."
            ) from error

    def there(self) -> bool:
        """Whether it answers now that it is alive."""
        try:
            return self.service.answers()
        except Failure:
            return False
