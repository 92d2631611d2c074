"""`emini-rag ask`: a question to the running service, or, when none runs here, to the documents directly."""

import json
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Annotated, Any

import typer

from service.cli import surroundings
from service.cli.answer_screen import AnswerScreen
from service.cli.client import KeyFile, KeyInArgv, Url, connect
from service.cli.failures import USAGE, Failure, Unreachable, problem_failure
from service.cli.ingest_screen import IngestScreen
from service.cli.surroundings import Surroundings
from service.services import Services

app = typer.Typer(add_completion=False)
Event = tuple[str, Mapping[str, Any]]


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question; - reads it from standard input.")],
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer while it is being written.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the raw answer; with --stream one JSON line per event.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Add why this model answered, and a waterfall.")] = False,
    model: Annotated[str, typer.Option(help="`auto` lets the router choose.")] = "auto",
    top_k: Annotated[int | None, typer.Option(min=1, max=50, help="Passages to answer from.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, max=32_768, help="Longest answer in tokens.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, help="Default 0.1.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Make the answer afresh, even if it is known.")] = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Ask a question, and get an answer with its sources.

    Without a running service, and without --url, it is answered in this process from the data folder.
    """
    here = surroundings.of(context)
    fields: dict[str, Any] = {"model": model, "top_k": top_k, "max_tokens": max_tokens, "temperature": temperature}
    body = {"query": _text(question)} | {name: value for name, value in fields.items() if value is not None}
    if no_cache:
        body["cache"] = {"no-cache": True}
    teller = _Teller(here, stream=stream, as_json=as_json, explain=explain)
    try:
        with connect(here.settings, url, key_file) as service:
            if stream:
                _tell_all(teller, service.stream("/ask", body | {"stream": True}))
            else:
                teller.tell("done", service.post("/ask", body))
    except Unreachable as error:
        if url is not None:
            raise
        here.note(f"No service answers at {error.url}: answering here, from {here.settings.data_dir}.")
        here.run(_ask_here(here, body, teller))


class _Teller:
    """Turns events into output."""

    def __init__(self, here: Surroundings, *, stream: bool, as_json: bool, explain: bool) -> None:
        self._here = here
        self._stream = stream
        self._json = as_json
        self._screen = AnswerScreen(here.out, explain=explain)
        self.done = False

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Raises `Failure` for an error event."""
        if event == "error":
            raise problem_failure(dict(data))
        self.done = self.done or event == "done"
        if self._json:
            if self._stream:
                typer.echo(json.dumps({"event": event, "data": data}, ensure_ascii=False))
            elif event == "done":
                typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
        elif event == "token" and self._stream:
            self._screen.token(str(data["text"]), thinking=bool(data.get("thinking")))
        elif event == "done":
            self._screen.end(data)


def _tell_all(teller: _Teller, events: Iterable[Event]) -> None:
    for event, data in events:
        teller.tell(event, data)
    _require_end(teller)


async def _ask_here(here: Surroundings, body: Mapping[str, Any], teller: _Teller) -> None:
    # The whole service comes with it.
    from service.cli.in_process import answering  # noqa: PLC0415

    async with here.services() as services:
        if not services.corpus.state().documents:
            await _read_documents(here, services)
        events: AsyncIterator[Event] = answering(services, body)
        async for event, data in events:
            teller.tell(event, data)
    _require_end(teller)


async def _read_documents(here: Surroundings, services: Services) -> None:
    """The first time there is nothing to answer from: read the documents folder before, not behind, the question."""
    screen = IngestScreen(here.out, here.err)
    folder = here.settings.documents_dir
    if folder.is_dir():  # nothing else runs here
        here.note(f"Reading {folder} for the first time.")
        with screen.progress() as advance:
            await services.corpus.add_folder(str(folder), advance)
    else:
        here.note(f"There are no documents yet: add some with `emini-rag ingest PATH`, or to {folder}.")


def _require_end(teller: _Teller) -> None:
    if not teller.done:
        raise Failure("The answer broke off before its end", todo="Ask again.")


def _text(question: str) -> str:
    text = sys.stdin.read() if question == "-" else question
    if not text.strip():
        raise Failure("The question is empty", todo='Ask one: emini-rag ask "What is momentum trading?"', code=USAGE)
    return text.strip() if question == "-" else text
