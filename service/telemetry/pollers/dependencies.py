"""The last look at each dependency, repeated in the background, so that gauges are true when nobody asks /readyz."""

import asyncio
import logging
from collections.abc import Mapping

from service.clock import Clock, SystemClock
from service.services import DependencyStatus, Probes

_log = logging.getLogger(__name__)

# What is only just starting is not yet away.
_GRACE_S = 5.0


class DependencyWatch:
    """Implements `Probes` around others; remembers what they said. Belongs to one event loop; `close` it at the end."""

    def __init__(self, probes: Probes, every_s: float = 15.0, *, clock: Clock | None = None) -> None:
        self._probes = probes
        self._every_s = every_s
        self._clock: Clock = clock or SystemClock()
        self._started_s = self._clock.monotonic()
        self._up: Mapping[str, bool] = {}
        self._told: dict[str, bool] = {}
        self._task: asyncio.Task[None] | None = None

    async def check(self) -> tuple[DependencyStatus, ...]:
        """See `Probes.check`. A dependency that changed is logged, an absent one not before the start is over."""
        found = await self._probes.check()
        starting = self._clock.monotonic() - self._started_s < _GRACE_S
        for status in found:
            if status.ok != self._told.get(status.name, True) and not (starting and not status.ok):
                self._told[status.name] = status.ok
                self._tell(status)
        self._up = {status.name: status.ok for status in found}
        return found

    def up(self) -> Mapping[str, bool]:
        """By name, as of the last look; empty before the first. Safe from any thread: replaced, never changed."""
        return self._up

    def start(self) -> None:
        """Look now and then every `every_s` seconds."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="dependency watch")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self.check()
            except Exception as error:
                _log.warning("the dependencies could not be looked at: %s", type(error).__name__)
            await asyncio.sleep(self._every_s)

    def _tell(self, status: DependencyStatus) -> None:
        if status.ok:
            _log.info("%s is back", status.name)
        else:
            _log.warning("%s is away: %s", status.name, status.detail)
