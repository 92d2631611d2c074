"""`emini-rag slow`: the slowest questions of the last days, and where their time went."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, Url, connect
from service.cli.wording import moment, part, plain, seconds, size, span_s

app = typer.Typer(add_completion=False)
_COLUMNS = (
    ("took", "right"),
    ("usual", "right"),
    ("at fault", "left"),
    ("spent there", "right"),
    ("usual there", "right"),
    ("model", "left"),
    ("state", "left"),
    ("when", "left"),
    ("trace", "left"),
)
_FILTERS = ("model", "stage", "outcome", "cache")


def _window(text: str) -> str:
    try:
        span_s(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text.strip().lower()


@app.command()
def slow(
    context: typer.Context,
    window: Annotated[str, typer.Option(callback=_window, help="How far back, like 30m, 1h, 2d; at most 7d.")] = "1h",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    model: Annotated[list[str] | None, typer.Option(help="Of this model; `none` = no model. May be repeated.")] = None,
    stage: Annotated[list[str] | None, typer.Option(help="With this stage at fault, like retrieve, generate.")] = None,
    outcome: Annotated[list[str] | None, typer.Option(help="That ended like this: ok, error, rejected, ...")] = None,
    cache: Annotated[list[str] | None, typer.Option(help="What the cache did: miss, hit, coalesced, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the service says.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """The slowest questions: the stage at fault, its share, what is usual for it, and the trace.

    At fault is the stage furthest above its own normal: above the median of the last answers of the same model, in
    multiples of their spread. A dash means that too little was asked to know what is usual.
    """
    here = surroundings.of(context)
    filters = dict(zip(_FILTERS, (model or [], stage or [], outcome or [], cache or []), strict=True))
    with connect(here.settings, url, key_file) as service:
        found = service.get("/monitoring/slow", window=f"{span_s(window):.0f}s", count=count, **filters)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found["slow"]:
        such = "like that " if any(filters.values()) else ""
        here.out.print(f"Nothing {such}was asked within the last {window}.")
    else:
        here.out.print(table_of(found["slow"]))
        slowest = found["slow"][0]
        if slowest["trace_url"]:
            here.note(f"Trace of the slowest: {plain(slowest['trace_url'])}")
        elif slowest["trace_id"]:
            here.note(f"More of the slowest: emini-rag trace {plain(slowest['trace_id'])}")
    kept = found["kept"]
    here.note(f"Kept: {kept['records']:,} since {moment(kept['since_at'])}, {size(kept['bytes'])} on the disk.")
    if kept["problem"]:
        here.note(f"Note: {plain(kept['problem'])}.")


def table_of(ranked: list[Mapping[str, Any]]) -> Table:
    """One row per question, slowest first."""
    table = Table(box=None, pad_edge=False)
    for title, side in _COLUMNS:
        table.add_column(title, justify="right" if side == "right" else "left", overflow="fold")
    for one in ranked:
        table.add_row(
            seconds(one["duration_s"]),
            seconds(one["usual_total_s"]),
            part(one["stage"]),
            f"{seconds(one['stage_s'])} ({one['share']:.0%})",
            seconds(one["usual_s"]),
            plain(one["model"] or one["mode"] or "-"),
            state(one),
            moment(one["at"]),
            plain(one["trace_id"] or "-"),
        )
    return table


def state(record: Mapping[str, Any]) -> str:
    """How it ended if not well, what the cache did, whether the model was cold, how much it read."""
    words = [] if record["outcome"] == "ok" else [record["error"] or record["outcome"]]
    words += [f"cache {record['cache']}"] if record["cache"] else []
    words += ["cold"] if record["cold"] else []
    words += [f"{record['input_tokens']:,} tokens read"] if record["input_tokens"] else []
    return plain(", ".join(words))
