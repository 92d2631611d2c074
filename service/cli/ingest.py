"""`emini-rag ingest`: documents into the running service, or, when none runs here, into the data folder directly.

Both ways read the same files under the same names, so a document that is there already is `unchanged`.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from watchfiles import watch as changes_below

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, ServiceClient, Url, connect
from service.cli.failures import FAILED
from service.cli.ingest_screen import IngestScreen
from service.cli.surroundings import Surroundings
from service.cli.upload import upload_all
from service.corpus.folder import scan
from service.corpus.watch import watch as followed

app = typer.Typer(add_completion=False)
_PATH = typer.Argument(exists=True, readable=True, help="A file, or a folder with all below it but hidden files.")
# A large file is read, cut and embedded before the reply.
_REPLY_S = 900.0
_LOOK_MS = 200


@app.command()
def ingest(
    context: typer.Context,
    path: Annotated[Path, _PATH],
    keep_watching: Annotated[bool, typer.Option("--watch", help="Go on, and add what changes, until Ctrl-C.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete documents of this folder whose files are gone (without a service).")
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Add documents: text, Markdown, HTML, PDF, CSV, JSON. What is there already is skipped.

    Without a running service, and without --url, they are added to the data folder in this process; then --watch also
    deletes the documents of files that go. The exit code is 1 when a file could not be added.
    """
    here = surroundings.of(context)
    with connect(here.settings, url, key_file, timeout_s=_REPLY_S) as service:
        if url is not None or service.answers():
            failed = (_follow if keep_watching else _send)(here, service, path, prune=prune)
        else:
            here.note(f"No service answers at {service.url}: adding here, to {here.settings.data_dir}.")
            failed = here.run(_add_here(here, path, keep_watching=keep_watching, prune=prune))
    raise typer.Exit(FAILED if failed else 0)


def _send(
    here: Surroundings, service: ServiceClient, path: Path, only: Collection[Path] | None = None, *, prune: bool = False
) -> bool:
    """True when something failed."""
    if prune:
        here.note("--prune is left out: over HTTP a folder's documents cannot be told from uploads. Stop the service.")
    screen = IngestScreen(here.out, here.err)
    limit = here.settings.ingestion.max_file_bytes
    with screen.progress() as advance:
        report = upload_all(service, scan(str(path)), limit, advance, here.clock, only=only)
    return screen.end(report, only_news=only is not None)


def _follow(here: Surroundings, service: ServiceClient, path: Path, *, prune: bool) -> bool:
    """Send everything, then what changes. The watch is on before the first look, so that nothing is missed between."""
    here.note(f"Watching {path} until Ctrl-C. Documents of files that go stay: delete them over the service.")
    failed, first = False, True
    for changes in changes_below(path, rust_timeout=_LOOK_MS, yield_on_timeout=True):
        if first:
            failed, first = _send(here, service, path, prune=prune), False
        elif changes:
            failed = _send(here, service, path, {Path(changed).resolve() for _, changed in changes})
    return failed


async def _add_here(here: Surroundings, path: Path, *, keep_watching: bool, prune: bool) -> bool:
    screen = IngestScreen(here.out, here.err)
    failed = False
    async with here.services() as services:
        if keep_watching:
            here.note(f"Watching {path} until Ctrl-C.")
            async for report in followed(services.corpus, str(path)):
                failed = screen.end(report, only_news=True)
        else:
            with screen.progress() as advance:
                report = await services.corpus.add_folder(str(path), advance, prune=prune)
            failed = screen.end(report)
    return failed
