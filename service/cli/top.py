"""`emini-rag top`: what the running service does now, renewed until it is left; printed once where no terminal is."""

from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, ServiceClient, Url, connect
from service.cli.failures import Failure
from service.cli.keyboard import keyboard
from service.cli.top_screen import screen
from service.cli.wording import plain

app = typer.Typer(add_completion=False)
_SLOWEST = 5
_LEAVE = {"q", "Q", "\x04", "\x1b"}


@app.command()
def top(
    context: typer.Context,
    every: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds between two looks.")] = 2.0,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Rate, latency by model, who runs and who waits, cache hits, the slowest of the last 15 minutes. Ends with q."""
    here = surroundings.of(context)
    with connect(here.settings, url, key_file, timeout_s=10.0) as service:
        first = screen(*_look(service), here.out.width)
        if here.out.is_terminal:
            _watch(here.out, service, first, every)
        else:
            here.out.print(first)


def _watch(out: Console, service: ServiceClient, first: RenderableType, every_s: float) -> None:
    """Until a key says so, or Ctrl-C. A service that goes away is waited for."""
    shown = first
    with keyboard() as pressed, Live(_with_hint(shown), console=out, screen=True, auto_refresh=False) as live:
        try:
            while pressed(every_s) not in _LEAVE:
                try:
                    shown = screen(*_look(service), out.width)
                    live.update(_with_hint(shown), refresh=True)
                except Failure as failure:
                    lost = f"{plain(failure.what)}: these figures are old, trying again"
                    live.update(Group(Text(lost, style="red"), shown), refresh=True)
        except KeyboardInterrupt:
            return


def _look(service: ServiceClient) -> tuple[dict[str, Any], dict[str, Any]]:
    return service.get("/monitoring/live"), service.get("/monitoring/slow", window="15m", count=_SLOWEST)


def _with_hint(shown: RenderableType) -> RenderableType:
    return Group(shown, Text("\nq leaves", style="dim"))
