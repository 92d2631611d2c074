"""`emini-rag version`."""

import platform

import typer

from service.cli import surroundings
from service.version import read_version

app = typer.Typer(add_completion=False)


@app.command()
def version(context: typer.Context) -> None:
    """Which version this is."""
    here = surroundings.of(context)
    revision = here.settings.revision
    built = "" if revision == "unknown" else f", revision {revision}"
    here.out.print(f"emini-rag {read_version(revision)}{built}, Python {platform.python_version()}")
