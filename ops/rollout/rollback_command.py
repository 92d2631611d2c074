"""`emini-rag rollback`: the way back from a deploy, in one command."""

from typing import Annotated

import typer

from ops.checkpoint.choosing import Choice
from ops.checkpoint.commands import ChromaFolder, Data, Folder, PrometheusUrl, Url
from ops.rollout.choosing import Rollout, Wanted
from ops.rollout.deploy_command import Compose, DryRun, Ready, Running, Supervisor
from ops.rollout.readiness import READY_S
from ops.rollout.returning import Planner, Returning
from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv
from service.cli.failures import Failure

app = typer.Typer(add_completion=False)


@app.command()
def rollback(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="A deploy to take back (`emini-rag deploy --log`) or a checkpoint; default: the last.")
    ] = "",
    dry_run: DryRun = False,
    documents: Annotated[
        bool, typer.Option("--documents", help="The documents of then too, although they can be kept.")
    ] = False,
    running: Running = "",
    ready: Ready = READY_S,
    supervisor: Supervisor = None,
    compose: Compose = "",
    data: Data = None,
    folder: Folder = None,
    chroma_folder: ChromaFolder = None,
    prometheus: PrometheusUrl = "",
    url: Url = "",
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """The version before. Documents stay, unless that version cannot read them: then those of its checkpoint."""
    here = surroundings.of(context)
    choice = Choice(data, folder, compose, url, key_file, chroma_folder, prometheus=prometheus)
    rollout = Rollout(here, Wanted(choice, running=running, ready_s=ready, supervisor_s=supervisor))
    with rollout.records.alone(), rollout.host() as host:
        if (left := rollout.records.journal()) is not None:
            todo = "`emini-rag deploy --abandon` goes back from it."
            raise Failure(f"The deploy {left.id} did not end", todo=todo)
        planner = Planner(host, rollout.records, rollout.chosen.archive)
        plan = planner.begun()
        if plan is not None:
            here.out.print("A rollback did not end; it is gone on with:")
        else:
            plan = planner.plan(name, id=rollout.chosen.new_name("rollback-"), documents=documents)
        for line in plan.told():
            here.out.print(f"  {line}", soft_wrap=True)
        if dry_run:
            here.out.print("Nothing was done.")
            return
        with rollout.ways(host) as ways:
            Returning(ways, plan).run()
    here.out.print(f"Version {plan.target.short} runs.", soft_wrap=True)
