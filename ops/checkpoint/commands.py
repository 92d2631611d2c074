"""`emini-rag checkpoint`: the whole state of an installation, kept, looked at, compared, and gone back to.

Lives here, not with the service: it runs beside an installation, from a checkout, and is not in the service's image.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.checkpoint import tables
from ops.checkpoint.choosing import Choice, Chosen
from ops.checkpoint.creating import Wish
from ops.checkpoint.differing import differences
from ops.checkpoint.files import size_of
from ops.checkpoint.manifest import Manifest
from ops.checkpoint.mark import mark
from ops.checkpoint.restoring import Restoring
from ops.checkpoint.verifying import read
from ops.checkpoint.verifying import verify as verified
from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv
from service.cli.failures import Failure
from service.cli.wording import count, seconds, size

app = typer.Typer(add_completion=False, no_args_is_help=True)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the service (default: RAG_DATA_DIR).")]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="Where checkpoints are (default: checkpoints in the data folder).")
]
Compose = Annotated[str, typer.Option("--compose", help="The installation in Docker: production or development.")]
Url = Annotated[str, typer.Option("--url", help="Address of the service, instead of the one that the settings name.")]
ChromaFolder = Annotated[
    Path | None,
    typer.Option("--chroma-folder", help="Folder of the Chroma server of this machine, where there is one."),
]
Stack = Annotated[Path | None, typer.Option("--stack", help="Folder of the native stack (default: stack in the data).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
PrometheusUrl = Annotated[str, typer.Option("--prometheus", help="Address of its Prometheus.")]
Name = Annotated[str, typer.Argument(help="One of `emini-rag checkpoint list`.")]
Hold = Annotated[float, typer.Option("--hold", min=1, max=600, help="Longest time to keep writers out, in seconds.")]
Stop = Annotated[str, typer.Option("--stop", help="Command that stops the service, such as systemctl stop emini-rag.")]
Start = Annotated[str, typer.Option("--start", help="Command that starts it, and comes back.")]


@app.callback()
def checkpoint() -> None:
    """Keep the whole state of an installation, and go back to it."""


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name (default: the time).")] = "",
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    question: Annotated[list[str] | None, typer.Option(help="A known question more. May be repeated.")] = None,
    with_cache: Annotated[bool, typer.Option("--with-cache", help="Copy kept answers too.")] = False,
    with_images: Annotated[bool, typer.Option("--with-images", help="`docker save` too; gigabytes.")] = False,
    with_prometheus: Annotated[bool, typer.Option("--with-prometheus", help="A snapshot of Prometheus too.")] = False,
    with_grafana: Annotated[bool, typer.Option("--with-grafana", help="Grafana's database too.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Refuse when files differ from the commit.")] = False,
    tag: Annotated[bool, typer.Option("--tag/--no-tag", help="Tag the commit checkpoint/NAME.")] = True,
    hold: Hold = 120,
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    chroma_folder: ChromaFolder = None,
    stack: Stack = None,
    prometheus: PrometheusUrl = "",
    url: Url = "",
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
    as_json: AsJson = False,
) -> None:
    """Copy everything that lasts. Questions go on; writers wait for as long as the copy itself takes."""
    here = surroundings.of(context)
    choice = Choice(data, folder, compose, url, key_file, chroma_folder, stack, prometheus=prometheus)
    chosen = Chosen(here, choice)
    wish = Wish(
        name=name or chosen.new_name(),
        note=note,
        hold_s=hold,
        questions=question or (),
        floor=here.settings.retrieval.floor,
        caches=with_cache,
        images=with_images,
        prometheus=chosen.prometheus if with_prometheus else "",
        grafana=with_grafana,
        tag=tag,
        clean=clean,
    )
    with chosen.archive.changing(), chosen.making(chosen.installation()) as making:
        made = making.create(wish)
    if as_json:
        _print(made.as_object())
        return
    here.out.print(f"Checkpoint {made.name}: {size(made.size)}, {count(len(made.files), 'file')}", soft_wrap=True)
    here.out.print(f"  in {chosen.archive.folder / made.name}", soft_wrap=True)


@app.command("list")
def listing(
    context: typer.Context,
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    as_json: AsJson = False,
) -> None:
    """Every checkpoint, the newest first, with size and state; `verify` looks closer."""
    here = surroundings.of(context)
    chosen = Chosen(here, Choice(data, folder, compose))
    found = chosen.archive.listed()
    if as_json:
        _print([tables.as_object(one) for one in found])
    elif not found:
        here.out.print(f"There are no checkpoints in {chosen.archive.folder}.", soft_wrap=True)
    else:
        here.out.print(tables.listing(found))


@app.command()
def show(
    context: typer.Context,
    name: Name,
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    as_json: AsJson = False,
) -> None:
    """What one holds."""
    here = surroundings.of(context)
    manifest = read(Chosen(here, Choice(data, folder, compose)).archive.path(name))
    if as_json:
        _print(manifest.as_object())
    else:
        here.out.print(tables.shown(manifest))


@app.command()
def verify(
    context: typer.Context,
    name: Name,
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    as_json: AsJson = False,
) -> None:
    """Compare every file with its hash, open a copy, and ask it what it was asked when it was made."""
    here = surroundings.of(context)
    chosen = Chosen(here, Choice(data, folder, compose))
    path = chosen.archive.path(name)
    with chosen.archive.changing():
        manifest, found = verified(path, chosen.screen)
    told = {
        "name": name,
        "good": True,
        "files": len(manifest.files),
        "known_answers": len(found.questions),
        "vectors_found_themselves": found.found_themselves,
    }
    if as_json:
        _print(told)
        return
    here.out.print(
        f"Checkpoint {name} is good: {count(len(manifest.files), 'file')} as written, "
        f"{found.found_themselves} of {found.looked_for} vectors find themselves, "
        f"{count(len(found.questions), 'known question')} answered as then.",
        soft_wrap=True,
    )


@app.command()
def diff(
    context: typer.Context,
    old: Name,
    new: Annotated[str, typer.Argument(help="The other one.")],
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    as_json: AsJson = False,
) -> None:
    """What changed from one to the other: commits, tools, settings, models, documents."""
    here = surroundings.of(context)
    chosen = Chosen(here, Choice(data, folder, compose))
    paths = chosen.archive.path(old), chosen.archive.path(new)
    for path in paths:
        read(path)
    found = differences(*paths, chosen.repository)
    if as_json:
        _print(tables.difference_as_object(found))
    else:
        here.out.print(tables.difference(found))


@app.command()
def prune(
    context: typer.Context,
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many of the newest that are whole stay.")],
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
) -> None:
    """Remove old ones, with their tags. The one in use, and those that a rollout needs, stay, whatever their age."""
    here = surroundings.of(context)
    chosen = Chosen(here, Choice(data, folder, compose))
    freed, removed, whole = 0, [], 0
    with chosen.archive.changing():
        for one in chosen.archive.listed():
            if whole < keep:
                # A damaged one is in nobody's place.
                whole += not one.fault
                continue
            if one.pins or one.newer:
                here.note(f"{one.name} stays: {', '.join(one.pins) or 'it is of a newer emini-rag'}")
                continue
            freed += size_of(chosen.archive.path(one.name))
            chosen.archive.remove(one.name)
            removed.append(one.name)
            if one.manifest is not None and one.manifest.code:
                chosen.repository.untag(one.name, str(one.manifest.code["commit"]))
    here.out.print(f"Removed {count(len(removed), 'checkpoint')}, {size(freed)}.", soft_wrap=True)
    for name in removed:
        here.out.print(f"  {name}", soft_wrap=True)


@app.command()
def restore(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    pre_checkpoint: Annotated[
        bool, typer.Option("--pre-checkpoint/--without-pre-checkpoint", help="Keep the present state first.")
    ] = True,
    stop: Stop = "",
    start: Start = "",
    ready: Annotated[float, typer.Option(min=1, max=3600, help="How long the service may take to start.")] = 180,
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    chroma_folder: ChromaFolder = None,
    prometheus: PrometheusUrl = "",
    url: Url = "",
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
    as_json: AsJson = False,
) -> None:
    """Go back to one: documents and vectors. Verified first; when it does not work, the present state is back."""
    here = surroundings.of(context)
    choice = Choice(data, folder, compose, url, key_file, chroma_folder, None, stop, start, prometheus)
    chosen = Chosen(here, choice)
    read(chosen.archive.path(name))
    if not yes:
        typer.confirm(f"Exchange the present documents for those of {name} (--yes does not ask)?", abort=True, err=True)
    kept = chosen.new_name("before-restore-") if pre_checkpoint else None
    began = here.clock.monotonic()
    with _restoring(chosen, keep_today=kept, ready_s=ready) as restoring:
        if (left := chosen.records.journal()) is not None:
            todo = "`emini-rag deploy` goes on with it, `emini-rag deploy --abandon` goes back from it."
            raise Failure(f"The deploy {left.id} did not end, and may go back to documents of its own", todo=todo)
        restoring.require_right_service()
        manifest = restoring.restore(name)
    marked = mark(chosen.prometheus, manifest.environment, name, here.clock.time())
    took = here.clock.monotonic() - began
    kept = kept if kept is not None and (chosen.archive.folder / kept).is_dir() else None
    if as_json:
        _print({"restored": name, "kept": kept, "took_s": round(took, 3), "marked": marked})
        return
    here.out.print(f"Checkpoint {name} is restored, in {seconds(took)}.", soft_wrap=True)
    if kept is not None:
        here.out.print(f"  The state before it is checkpoint {kept}.", soft_wrap=True)
    _tell_code(chosen, manifest)


@app.command()
def recover(
    context: typer.Context,
    stop: Stop = "",
    start: Start = "",
    data: Data = None,
    folder: Folder = None,
    compose: Compose = "",
    chroma_folder: ChromaFolder = None,
    url: Url = "",
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Bring a restore to its end that was interrupted. Nothing happens when there was none."""
    here = surroundings.of(context)
    chosen = Chosen(here, Choice(data, folder, compose, url, key_file, chroma_folder, None, stop, start))
    with _restoring(chosen, keep_today=None, ready_s=180) as restoring:
        used = restoring.recover()
    if used is None:
        here.out.print("No restore is left to finish.")
    else:
        here.out.print(f"Checkpoint {used} is restored.", soft_wrap=True)


def _tell_code(chosen: Chosen, manifest: Manifest) -> None:
    """The source is the user's: it is told, never changed."""
    now, then = chosen.repository.state(), str((manifest.code or {}).get("commit", ""))[:12]
    if now is not None and then and not now.commit.startswith(then):
        chosen.screen.say(
            f"It was made with commit {then}, and this is {now.commit[:12]}: `git checkout {then}` goes there"
        )


@contextmanager
def _restoring(chosen: Chosen, *, keep_today: str | None, ready_s: float) -> Iterator[Restoring]:
    """While nobody else deploys, restores, or changes the archive."""
    with chosen.making(chosen.installation()) as making, chosen.records.alone(), chosen.archive.changing():
        yield Restoring(making, ready_s=ready_s, keep_today=keep_today)


def _print(told: Any) -> None:
    typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
