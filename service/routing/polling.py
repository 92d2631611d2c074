"""Looks at the models again and again in the background, and quickly for a while when the server is away."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from service.routing.port import ModelDirectory, ModelSnapshot

_log = logging.getLogger(__name__)
_FIRST_RETRY_S = 0.25
_PULL = "`emini-rag models pull --all` fetches what is missing"


class ModelPolling:
    """Calls `refresh` every `poll_s` seconds; after a failure first after 0.25 s, then twice as long each time, up to
    `poll_s`. Each snapshot is handed to `observers` in turn; one that fails is logged and does not stop the others.
    """

    def __init__(
        self, directory: ModelDirectory, poll_s: float, observers: Sequence[Callable[[ModelSnapshot], None]] = ()
    ) -> None:
        self._directory = directory
        self._poll_s = poll_s
        self._observers = tuple(observers)
        self._task: asyncio.Task[None] | None = None
        self._told: tuple[bool, tuple[str, ...]] | None = None

    def start(self) -> None:
        """Begin; the first look is at once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="model polling")

    async def close(self) -> None:
        """Stop, and wait until it has."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        pause_s = _FIRST_RETRY_S
        while True:
            snapshot = await self._directory.refresh()
            self._report(snapshot)
            for observer in self._observers:
                try:
                    observer(snapshot)
                except Exception:
                    _log.exception("an observer of the model poll failed")
            if snapshot.reachable:
                pause_s = _FIRST_RETRY_S
                await asyncio.sleep(self._poll_s)
            else:
                await asyncio.sleep(min(pause_s, self._poll_s))
                pause_s *= 2

    def _report(self, snapshot: ModelSnapshot) -> None:
        """Say it once when the server comes or goes, and when other models than before are missing."""
        missing = tuple(name for name, state in snapshot.models.items() if not state.installed)
        seen = (snapshot.reachable, missing if snapshot.reachable else ())
        if seen == self._told:
            return
        self._told = seen
        if not snapshot.reachable:
            _log.warning("no models: %s", snapshot.last_error)
        elif not missing:
            _log.info("Ollama is there; every model is installed")
        elif len(missing) < len(snapshot.models):
            _log.info("Ollama is there; not installed: %s (%s)", ", ".join(missing), _PULL)
        else:
            _log.warning("Ollama is there, but no configured model is: answers are quotations (%s)", _PULL)
