"""`emini-rag models`: what Ollama has of the configured models, downloading them, loading them."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated

import typer
from rich.table import Table

from service.cli import download, surroundings
from service.cli.failures import FAILED, USAGE, Failure, failure_of, show
from service.cli.model_store import ModelStore, configured_models
from service.cli.surroundings import Surroundings
from service.cli.wording import plain, size
from service.errors import ServiceError
from service.routing.port import ModelSnapshot, ModelState, Tier
from service.settings import Settings

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def models() -> None:
    """The models in Ollama."""


@app.command("list")
def listing(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Every configured model: installed, loaded, its size, what it is for, and how to get what is missing."""
    here = surroundings.of(context)
    here.run(_list(here, as_json=as_json))


@app.command()
def pull(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A configured model.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every configured model that is missing.")] = False,
) -> None:
    """Download a model, or all that are missing. Stopped, it goes on from there the next time."""
    here = surroundings.of(context)
    if (name is None) != everything:
        raise Failure("Name one model, or say --all", todo="`emini-rag models list` shows them.", code=USAGE)
    here.run(_pull(here, name))


@app.command()
def preload(context: typer.Context, name: Annotated[str, typer.Argument(help="A configured model.")]) -> None:
    """Load a model into memory, so that the next question need not wait for it."""
    here = surroundings.of(context)
    _require_configured(here.settings, name)
    here.run(_preload(here, name))


async def _list(here: Surroundings, *, as_json: bool) -> None:
    async with here.open_models(here.settings) as store:
        snapshot = await store.refresh()
    if as_json:
        typer.echo(json.dumps(_object(here.settings, snapshot), ensure_ascii=False, indent=2))
        return
    if not snapshot.reachable:
        raise _away(here.settings)
    here.out.print(_table(here.settings, snapshot))
    missing = _missing(snapshot)
    for name in missing:
        here.out.print(f"{name} is missing: run `emini-rag models pull {name}`", style="yellow")
    if len(missing) > 1:
        here.out.print("Or all of them: `emini-rag models pull --all`", style="yellow")


async def _pull(here: Surroundings, name: str | None) -> None:
    if name is not None:
        _require_configured(here.settings, name)
    async with here.open_models(here.settings) as store:
        snapshot = await store.refresh()
        if not snapshot.reachable:
            raise _away(here.settings)
        # The embedder is the smallest by far, and makes every answer better.
        missing = sorted(_missing(snapshot), key=lambda one: one != here.settings.embedding.model)
        wanted = [name] if name is not None else missing
        if not wanted:
            here.out.print("Every configured model is installed.")
        elif len(wanted) > 1:
            here.note(f"{len(wanted)} models to download, one after another: {', '.join(wanted)}")
        failed = [one for one in wanted if not await _pulled(here, store, one)]
    if failed:
        raise typer.Exit(FAILED)


async def _pulled(here: Surroundings, store: ModelStore, name: str) -> bool:
    """Download one model; a failure is told, so that the others still get their turn."""
    try:
        with download.shown(name, here.err, here.clock) as advance:
            async with aclosing(store.pull(name)) as steps:
                async for step in steps:
                    advance(step)
    except ServiceError as error:
        show(failure_of(error), here.err)
        return False
    here.out.print(f"{name} is installed.")
    return True


async def _preload(here: Surroundings, name: str) -> None:
    begun = here.clock.monotonic()
    async with here.open_models(here.settings) as store:
        with here.err.status(f"loading {name}"):
            await store.preload(name)
    here.out.print(f"{name} is loaded ({here.clock.monotonic() - begun:.1f} s).")


def roles(settings: Settings, name: str) -> list[str]:
    """What a model is for: its tiers, or embedding, or only by name."""
    tiers = [tier.value for tier in Tier if getattr(settings.routing.models, tier) == name]
    embedding = ["embedding"] if name == settings.embedding.model else []
    return tiers + embedding or ["by name"]


def _table(settings: Settings, snapshot: ModelSnapshot) -> Table:
    table = Table("model", "for", "installed", "loaded", "size", "parameters", box=None, pad_edge=False)
    for name, model in snapshot.models.items():
        table.add_row(
            name,
            ", ".join(roles(settings, name)),
            "yes" if model.installed else "no",
            _loaded(model),
            size(model.size_bytes) if model.size_bytes else "-",
            plain(" ".join(filter(None, (model.parameter_size, model.quantization))) or "-"),
        )
    return table


def _loaded(model: ModelState) -> str:
    if not model.resident:
        return "no"
    return f"yes, {size(model.vram_bytes)} on the GPU" if model.vram_bytes else "yes, on the CPU"


def _object(settings: Settings, snapshot: ModelSnapshot) -> dict[str, object]:
    return {
        "url": settings.ollama.url,
        "reachable": snapshot.reachable,
        "models": [
            {
                "name": name,
                "for": roles(settings, name),
                "installed": model.installed,
                "resident": model.resident,
                "digest": model.digest,
                "size_bytes": model.size_bytes,
                "vram_bytes": model.vram_bytes,
                "parameter_size": model.parameter_size,
                "quantization": model.quantization,
            }
            for name, model in snapshot.models.items()
        ],
    }


def _missing(snapshot: ModelSnapshot) -> Sequence[str]:
    return [name for name, model in snapshot.models.items() if not model.installed]


def _require_configured(settings: Settings, name: str) -> None:
    """Only what the settings name is downloaded or loaded: names are not checked by anybody else."""
    allowed = configured_models(settings)
    if name not in allowed:
        todo = "Name one of them, or add it to RAG_ROUTING__EXTRA_MODELS."
        raise Failure(f"{name} is not configured", lines=[f"configured: {', '.join(allowed)}"], todo=todo, code=USAGE)


def _away(settings: Settings) -> Failure:
    todo = "Start it (`ollama serve`), or set RAG_OLLAMA__URL to where it is."
    return Failure(f"Ollama does not answer at {settings.ollama.url}", todo=todo)
