"""`emini-rag serve`."""

import typer

from service.cli import surroundings

app = typer.Typer(add_completion=False)


@app.command()
def serve(context: typer.Context) -> None:
    """Start the service: API, page and metrics. Ctrl-C or SIGTERM ends it in order."""
    raise typer.Exit(surroundings.of(context).serve())
