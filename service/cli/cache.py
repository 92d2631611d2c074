"""`emini-rag cache`: what the running service's caches did, and emptying them."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, Url, connect
from service.cli.wording import plain, seconds, size

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def cache() -> None:
    """The answer cache of the running service."""


@app.command()
def stats(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the service says.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Hits, sizes, evictions and seconds saved since the service started."""
    here = surroundings.of(context)
    with connect(here.settings, url, key_file) as service:
        found = service.get("/monitoring/cache")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        here.out.print(table_of(found["caches"]))


@app.command()
def clear(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Drop every kept answer and vector. They are made again when asked for; nothing else is lost."""
    here = surroundings.of(context)
    if not yes:
        typer.confirm("Drop every kept answer?", abort=True, err=True)
    with connect(here.settings, url, key_file) as service:
        cleared: Mapping[str, int] = service.delete("/monitoring/cache")["cleared"]
    dropped = ", ".join(f"{plain(name)} {number:,}" for name, number in cleared.items())
    here.out.print(f"Dropped: {dropped}.")


def table_of(caches: Mapping[str, Mapping[str, Any]]) -> Table:
    """One column per cache."""
    table = Table("", box=None, pad_edge=False)
    for name in caches:
        table.add_column(plain(name), justify="right")
    rows: tuple[tuple[str, Any], ...] = (
        ("hits", lambda one: f"{one['hits']:,}"),
        ("misses", lambda one: f"{one['misses']:,}"),
        ("hit rate", lambda one: f"{one['hit_rate']:.1%}"),
        ("entries", lambda one: f"{one['cache_size']:,} of {one['max_size']:,}"),
        ("size", lambda one: f"{size(one['size_bytes'])} of {size(one['max_bytes'])}"),
        ("evicted", lambda one: _counted(one["evictions"])),
        ("lookups", lambda one: _counted(one["results"])),
        ("saved", lambda one: seconds(one["seconds_saved"])),
    )
    for title, cell in rows:
        table.add_row(title, *(cell(one) for one in caches.values()))
    return table


def _counted(numbers: Mapping[str, int]) -> str:
    """Those that are not 0, one a line."""
    return "\n".join(f"{plain(name)} {number:,}" for name, number in numbers.items() if number) or "-"
