"""`emini-rag deploy`: another version of the service, on trial first, kept when it is as good as the one before."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ops.checkpoint.choosing import Choice
from ops.checkpoint.commands import ChromaFolder, Data, Folder, PrometheusUrl, Url
from ops.rollout.choosing import Rollout, Wanted
from ops.rollout.deploying import STEPS, Deploying, told
from ops.rollout.journal import Journal, who
from ops.rollout.readiness import READY_S
from ops.rollout.watching import Pace
from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv
from service.cli.failures import FAILED, USAGE, Failure
from service.cli.surroundings import Surroundings
from service.cli.wording import moment, plain, span_s

app = typer.Typer(add_completion=False)

Compose = Annotated[str, typer.Option("--compose", help="The installation in Docker: production.")]
Ready = Annotated[float, typer.Option("--ready", min=1, max=3600, help="How long a start may take, in seconds.")]
Supervisor = Annotated[
    float | None,
    typer.Option("--supervisor", min=0, max=600, help="How long its supervisor may take to start it, in seconds."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")]
Running = Annotated[
    str, typer.Option("--running", help="The commit that runs, where nothing was deployed and git does not know it.")
]


@app.command()
def deploy(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A commit, branch or tag of this repository.")] = "HEAD",
    watch: Annotated[str, typer.Option(help="How long it is on trial, such as 10m.")] = "10m",
    note: Annotated[str, typer.Option(help="What it is for; goes into the log.")] = "",
    dry_run: DryRun = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a deploy that did not end.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Go back from a deploy that did not end.")] = False,
    log: Annotated[bool, typer.Option("--log", help="What was deployed when, by whom, and how it came out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the log as JSON.")] = False,
    queries: Annotated[Path | None, typer.Option(help="File of questions, one a line, to ask both versions.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How often each question is asked.")] = 4,
    per_s: Annotated[float, typer.Option("--per-s", min=0.01, max=50, help="Questions a second, at most.")] = 1.0,
    running: Running = "",
    ready: Ready = READY_S,
    supervisor: Supervisor = None,
    compose: Compose = "",
    image: Annotated[Path | None, typer.Option(help="With --compose: a file of `docker save` to load.")] = None,
    data: Data = None,
    folder: Folder = None,
    chroma_folder: ChromaFolder = None,
    prometheus: PrometheusUrl = "",
    url: Url = "",
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Checkpoint, start the new version, look, watch; keep it, or go back to the old one, by itself."""
    here = surroundings.of(context)
    choice = Choice(data, folder, compose, url, key_file, chroma_folder, prometheus=prometheus)
    rollout = Rollout(here, Wanted(choice, image, running, queries, Pace(rounds, per_s), ready, supervisor))
    if log:
        _show_log(here, rollout.records.logged(), as_json=as_json)
        return
    if resume and abandon:
        raise Failure("Either --resume or --abandon", code=USAGE)
    # Within the turn, so that a journal that is there is of a deploy that does not run any more.
    with nullcontext() if dry_run else rollout.records.alone():
        begun = rollout.records.journal()
        if begun is not None and not (resume or abandon or dry_run):
            raise _in_the_way(begun)
        if begun is None and (resume or abandon):
            here.out.print("No deploy is left to go on with.")
            return
        journal = begun if begun is not None and (resume or abandon) else _new(here, rollout, version, watch, note)
        if dry_run:
            _tell(here, rollout, journal)
            return
        with rollout.host() as host, rollout.ways(host) as ways:
            if abandon:
                Deploying(ways, journal).give_up(f"abandoned by {who()}")
                here.out.print(f"The deploy {journal.id} is given up.", soft_wrap=True)
                return
            kept = Deploying(ways, journal).run()
    _say_end(here, journal, kept=kept)
    if not kept:
        raise typer.Exit(FAILED)


def _in_the_way(begun: Journal) -> Failure:
    step = begun.doing or (begun.done[-1:] or ["prepare"])[0]
    todo = "`emini-rag deploy --resume` goes on with it, `--abandon` goes back from it."
    return Failure(f"The deploy {begun.id} of {begun.ref} did not end", f"at the step {step}", todo=todo)


def _new(here: Surroundings, rollout: Rollout, version: str, watch: str, note: str) -> Journal:
    try:
        watch_s = span_s(watch)
    except ValueError as error:
        raise Failure(str(error), code=USAGE) from error
    commit = rollout.source.commit(version)
    name = f"{rollout.chosen.new_name('deploy-')}-{commit[:7]}"
    journal = Journal(name, who(), here.clock.time(), commit, watch_s, note)
    journal.checkpoint = name
    return journal


def _tell(here: Surroundings, rollout: Rollout, journal: Journal) -> None:
    """Every step, and what it would be done to."""
    commit = journal.new.commit if journal.new else journal.ref
    here.out.print(f"Version {commit[:12]}: {plain(rollout.source.subject(commit))}", soft_wrap=True)
    with rollout.host() as host:
        here.out.print(f"To the {host.label}, where {host.glance()} runs.", soft_wrap=True)
    for number, name in enumerate(STEPS, start=1):
        done = " (done)" if name in journal.done else ""
        here.out.print(f"  {number}/{len(STEPS)} {name}: {told(name, journal)}{done}", soft_wrap=True)
    here.out.print("If anything is bad after step 5, the old version comes back by itself. Nothing was done.")


def _say_end(here: Surroundings, journal: Journal, *, kept: bool) -> None:
    new, old = journal.version, journal.version_before
    if kept:
        here.out.print(f"Version {new.short} is kept.", soft_wrap=True)
        here.out.print("  `emini-rag rollback` takes it back.")
    else:
        here.out.print(f"Version {new.short} is not kept; {old.short} runs, with its documents.", soft_wrap=True)
    for why in journal.verdict["why"]:
        here.out.print(f"  {plain(why)}", soft_wrap=True)


def _show_log(here: Surroundings, entries: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=2))
        return
    if not entries:
        here.out.print("Nothing was deployed here yet.")
        return
    table = Table("when", "who", "what", "from", "to", "checkpoint", "why", box=None, pad_edge=False)
    for one in entries:
        old, new = ((one.get(which) or {}).get("commit", "")[:12] for which in ("old", "new"))
        why = one.get("verdict") or [one.get("why", "")]
        cells = (one["who"], one["event"], old, new, one.get("checkpoint", ""), str(why[0]))
        table.add_row(moment(float(one["at"])), *(plain(cell) for cell in cells))
    here.out.print(table)
