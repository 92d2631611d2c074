"""What a command works with: settings, the way to the services, the terminal. Tests put others in its place.

Everything is made on first use: a typing error costs nothing, and what is not needed need not be there.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console

from service.clock import Clock, SystemClock
from service.services import Services
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from service.cli.model_store import ModelStore

T = TypeVar("T")
_FILE_COLUMNS = 240


async def _open_services(settings: Settings) -> Services:
    # The vector store alone takes a second to import.
    from service.bootstrap import open_services  # noqa: PLC0415

    return await open_services(settings)


def _open_models(settings: Settings) -> AbstractAsyncContextManager["ModelStore"]:
    from service.cli.model_store import open_model_store  # noqa: PLC0415

    return open_model_store(settings)


def _serve() -> int:
    try:
        # In a checkout another version may have been deployed; an image holds one alone.
        from ops.rollout.launch import main as launch  # noqa: PLC0415
    except ModuleNotFoundError:
        from service.__main__ import main  # noqa: PLC0415

        return main()
    return launch()


@dataclass
class Surroundings:
    """Passed as `ctx.obj`."""

    load_settings: Callable[[], Settings] = load_settings
    open_services: Callable[[Settings], Awaitable[Services]] = _open_services
    open_models: Callable[[Settings], AbstractAsyncContextManager["ModelStore"]] = _open_models
    serve: Callable[[], int] = _serve
    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], None] = time.sleep
    debug: bool = False

    @cached_property
    def settings(self) -> Settings:
        """Read once. Raises `BadSettings`."""
        return self.load_settings()

    @cached_property
    def out(self) -> Console:
        """Standard output: results. What goes to a file or a program is not folded to a terminal's width."""
        return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else _FILE_COLUMNS)

    @cached_property
    def err(self) -> Console:
        """Standard error: notices, progress, failures."""
        return Console(stderr=True, highlight=False, markup=False, emoji=False)

    def note(self, text: str) -> None:
        """Tell something that is not the result."""
        self.err.print(text, style="dim", soft_wrap=True)

    @asynccontextmanager
    async def services(self) -> AsyncIterator[Services]:
        """The whole service in this process, on the data folder of the settings. It knows the models already; what it
        would log is told with `--debug` only."""
        quiet, root = logging.NullHandler(), logging.getLogger()
        if not self.debug:
            root.addHandler(quiet)
        try:
            services = await self.open_services(self.settings)
            try:
                await services.directory.refresh()
                yield services
            finally:
                await services.close()
        finally:
            root.removeHandler(quiet)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end; Ctrl-C cancels it, and it cleans up."""
        return asyncio.run(work)


def of(context: typer.Context) -> Surroundings:
    """The surroundings of a command."""
    found = context.find_object(Surroundings)
    if found is None:
        raise RuntimeError("the command was started without its surroundings")
    return found
