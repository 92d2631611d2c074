"""`emini-rag version`."""

import platform
from importlib.metadata import PackageNotFoundError, version

import typer

from service.cli import surroundings

app = typer.Typer(add_completion=False)
PACKAGE = "emini-rag"


@app.command()
def show(context: typer.Context) -> None:
    """Which version this is."""
    here = surroundings.of(context)
    revision = here.settings.revision
    built = "" if revision == "unknown" else f", revision {revision}"
    here.out.print(f"{PACKAGE} {installed_version()}{built}, Python {platform.python_version()}")


def installed_version() -> str:
    """Of the installed package; `0+unknown` when it runs from a folder that was never installed."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "0+unknown"
