"""Loading a wanted model in the background while a smaller one answers."""

import asyncio
import logging

from service.errors import ServiceError
from service.routing.port import ModelDirectory

_log = logging.getLogger(__name__)


class Warmer:
    """Preloads at most one time per model at once. A failed preload is logged and forgotten: the next question retries.

    The load runs in a task of its own, because Ollama gives up a load when the client that asked for it leaves.
    """

    def __init__(self, directory: ModelDirectory) -> None:
        self._directory = directory
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def warm(self, model: str) -> None:
        """Start loading and return at once."""
        if model in self._tasks:
            return
        task = asyncio.create_task(self._load(model), name=f"warm {model}")
        self._tasks[model] = task
        task.add_done_callback(lambda _: self._tasks.pop(model, None))

    async def _load(self, model: str) -> None:
        try:
            await self._directory.preload(model)
        except ServiceError as error:
            _log.warning("model %s could not be loaded ahead: %s", model, error.detail)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
