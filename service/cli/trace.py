"""`emini-rag trace`: one request in full: what it was, its stages against what is usual, and every span."""

import json
import re
from typing import Annotated, Any

import typer

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, Url, connect
from service.cli.trace_screen import show
from service.cli.wording import plain

app = typer.Typer(add_completion=False)
_ID = re.compile(r"[0-9a-f]{32}")


def _trace_id(text: str) -> str:
    found = text.strip().lower()
    if not _ID.fullmatch(found):
        raise typer.BadParameter("a trace id is 32 hexadecimal digits; `emini-rag slow` and every answer show them")
    return found


@app.command()
def trace(
    context: typer.Context,
    trace_id: Annotated[str, typer.Argument(callback=_trace_id, help="As `slow`, an answer or a log line shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print what the service says.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Where the time of one request went: its stages against what is usual for the model, and all spans.

    The service keeps the latest traces in memory; older ones come from Tempo, if RAG_TRACES__TEMPO_URL names one.
    """
    here = surroundings.of(context)
    with connect(here.settings, url, key_file) as service:
        found = service.get(f"/monitoring/traces/{trace_id}")
        stages: dict[str, Any] = {}
        if not as_json and found["record"]:
            model = found["record"]["model"] or "none"
            known = service.get("/monitoring/usual", model=model)["models"]
            # What is usual for questions says nothing about answers from the cache.
            if found["record"]["cache"] != "hit" and model in known:
                stages = known[model]["stages"]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    show(here.out, found, stages)
    if found["trace_url"]:
        here.note(f"The same as a page: {plain(found['trace_url'])}")
