"""`emini-rag compare`: whether a candidate is faster, slower or answers differently, told by asking both the same.

Exit codes: 0 faster or no evidence of a change, 10 slower, 11 different answers, 12 too little measured to say; and
those of every command: 1 failed, 2 used wrongly, 3 an instance cannot be reached or went away, 130 stopped. What was
measured until then is kept in the last two cases.
"""

import json
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

import typer

from ops.compare.files import HTML
from ops.compare.history import compare_history
from ops.compare.measured import Side
from ops.compare.pace import PRODUCTION_PER_S
from ops.compare.screen import show
from ops.compare.session import Compared, Session, Wish, folder_name
from ops.compare.verdict import Floor
from prometheus import thresholds
from service.cli import surroundings
from service.cli.client import KeyInArgv, ServiceClient, address_of, key_of
from service.cli.drill import ports
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings
from service.cli.wording import plain, span_s

app = typer.Typer(add_completion=False)
_GRACE_S = 30.0
_OUTPUTS = Path("outputs")


def _span(text: str | None) -> str | None:
    try:
        if text is not None:
            span_s(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


BaselineKey = Annotated[Path | None, typer.Option(help="File with the baseline's API key; else RAG_API_KEY is used.")]
CandidateKey = Annotated[Path | None, typer.Option(help="File with the candidate's API key; RAG_API_KEY is not sent.")]

Ago = Annotated[
    str | None, typer.Option(callback=_span, help="With --from-metrics: baseline so much earlier, like 1d.")
]
FloorShare = Annotated[
    float | None,
    typer.Option(min=0.01, max=1, help="The change that matters (default: 0.1, ten per cent; --from-metrics: 0.2)."),
]


@app.command()
def compare(
    context: typer.Context,
    baseline: Annotated[str, typer.Option(help="What is now: an address (default: that of the settings).")] = "",
    candidate: Annotated[str, typer.Option(help="What may come: an address.")] = ports.SERVICE,
    queries: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A question a line.")] = None,
    replay: Annotated[str | None, typer.Option(callback=_span, help="What the baseline was asked, like 24h.")] = None,
    questions: Annotated[int, typer.Option(min=1, max=2000, help="At most so many different questions.")] = 40,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How often each is asked of both.")] = 4,
    warm_up: Annotated[int, typer.Option(min=0, max=20, help="Questions before each tier's, not counted.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeats an earlier order (default: by lot).")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="Questions a second to each (default: 2).")] = None,
    askers: Annotated[int, typer.Option(min=1, max=16, help="Pairs at once.")] = 1,
    production_rate: Annotated[
        float, typer.Option(min=0.01, help="The most that is asked of an instance that is not for development.")
    ] = PRODUCTION_PER_S,
    floor: FloorShare = None,
    floor_ms: Annotated[float, typer.Option(min=0, help="And so many milliseconds at least.")] = 20.0,
    cache: Annotated[bool, typer.Option("--cache", help="Let both answer from their caches.")] = False,
    model: Annotated[str | None, typer.Option(help="Ask this model alone (default: as routed).")] = None,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="0 makes answers repeat best.")] = 0.0,
    max_tokens: Annotated[int | None, typer.Option(min=1, max=32_768, help="Longest answer in tokens.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder for the report (default: below outputs).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    from_metrics: Annotated[
        str, typer.Option(help="Address of Prometheus: look at what it knows, and ask nothing of the services.")
    ] = "",
    window: Annotated[str, typer.Option(callback=_span, help="With --from-metrics: how far back.")] = "1h",
    baseline_ago: Ago = None,
    baseline_key_file: BaselineKey = None,
    candidate_key_file: CandidateKey = None,
    _key: KeyInArgv = None,
) -> None:
    """Ask a baseline and a candidate the same questions, in random order, and say whether they differ.

    With --from-metrics nothing is asked: --baseline and --candidate then name what tells the two apart in Prometheus,
    like environment=production or version=0.2.0.

    Ends with 0 for faster or no evidence, 10 slower, 11 different answers, 12 too little to say, 3 an instance gone.
    """
    here = surroundings.of(context)
    target = out or _OUTPUTS / folder_name(here.clock.time())
    if from_metrics:
        wanted = {Side.BASELINE: baseline, Side.CANDIDATE: candidate}
        limits = thresholds.load()
        # As large as for the alert that compares two in the same way.
        least = Floor(floor or round(limits.comparison.factor - 1, 3), floor_ms / 1000)
        compared = compare_history(here, from_metrics, wanted, window, baseline_ago, least, limits.ratio, target)
    else:
        if queries is not None and replay is not None:
            raise Failure("Questions come from --queries or from --replay, not from both", code=USAGE)
        least = Floor(floor or Floor().share, floor_ms / 1000)
        fields: dict[str, Any] = {"model": model, "temperature": temperature, "max_tokens": max_tokens}
        wish = Wish(
            queries, replay, questions, rounds, warm_up, SystemRandom().randrange(10**6) if seed is None else seed,
            askers, rate, production_rate, least, cache, {name: v for name, v in fields.items() if v is not None},
        )  # fmt: skip
        keys = key_of(here.settings, baseline_key_file), _candidate_key(here, candidate_key_file)
        compared = _replayed(here, wish, (baseline or address_of(here.settings), candidate), keys, target)
    _tell(here, compared, target, as_json=as_json)


def _replayed(here: Surroundings, wish: Wish, urls: tuple[str, str], keys: tuple[str, str], target: Path) -> Compared:
    timeout_s = here.settings.deadlines.total_s + _GRACE_S
    with ServiceClient(urls[0], keys[0], timeout_s) as one, ServiceClient(urls[1], keys[1], timeout_s) as other:
        session = Session(here, {Side.BASELINE: one, Side.CANDIDATE: other}, wish)
        return session.run(target)


def _candidate_key(here: Surroundings, key_file: Path | None) -> str:
    """Only from its own file: a key of production is nothing for another service."""
    return "" if key_file is None else key_of(here.settings, key_file)


def _tell(here: Surroundings, compared: Compared, target: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(compared.result, ensure_ascii=False, indent=2))
    else:
        show(compared.document, here.out)
    here.note(f"Report: {plain(target / HTML)}")
    raise typer.Exit(compared.code)
