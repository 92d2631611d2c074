"""`emini-rag slow`: the slowest recent questions of the running service, and where their time went."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, Url, connect
from service.cli.wording import moment, plain, seconds, span_s

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


def _window(text: str) -> str:
    try:
        span_s(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text.strip().lower()


@app.command()
def slow(
    context: typer.Context,
    window: Annotated[str, typer.Option(callback=_window, help="How far back, like 30m, 1h, 2d.")] = "1h",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the service says.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """The slowest recent questions: the part at fault, its share, what is usual for it, and the trace.

    The part at fault is the one with the largest excess over what is usual for it, for the same model. A dash means
    that too little was asked to know what is usual.
    """
    here = surroundings.of(context)
    with connect(here.settings, url, key_file) as service:
        found = service.get("/monitoring/slow", window=f"{span_s(window):.0f}s", count=count)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif not found["slow"]:
        here.out.print(f"Nothing was asked within the last {window}.")
    else:
        here.out.print(table_of(found["slow"]))
        if address := found["slow"][0]["trace_url"]:
            here.note(f"Trace of the slowest: {plain(address)}")


def table_of(ranked: list[Mapping[str, Any]]) -> Table:
    """One row per question, slowest first."""
    table = Table(box=None, pad_edge=False)
    for title, side in _COLUMNS:
        table.add_column(title, justify="right" if side == "right" else "left", overflow="fold")
    for one in ranked:
        table.add_row(
            seconds(one["duration_s"]),
            seconds(one["usual_total_s"]),
            plain(one["stage"]).replace("_", " ").replace(".", ": "),
            f"{seconds(one['stage_s'])} ({one['share']:.0%})",
            seconds(one["usual_s"]),
            plain(one["model"] or one["mode"] or "-"),
            _state(one),
            moment(one["at"]),
            plain(one["trace_id"] or "-"),
        )
    return table


def _state(record: Mapping[str, Any]) -> str:
    """How it ended if not well, what the cache did, whether the model was cold, how much it read."""
    words = [] if record["outcome"] == "ok" else [record["error"] or record["outcome"]]
    words += [f"cache {record['cache']}"] if record["cache"] else []
    words += ["cold"] if record["cold"] else []
    words += [f"{record['input_tokens']:,} tokens read"] if record["input_tokens"] else []
    return plain(", ".join(words))
