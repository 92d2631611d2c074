"""`emini-rag doctor`: what works on this machine, what is missing, and what to do about it.

Looks at everything side by side within a few seconds, with nothing running too. The exit code is 1 only when something
keeps the service from answering at all.
"""

import json
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import alerts_check, collector_check, local_checks, network_checks, sharing, surroundings
from service.cli.failures import FAILED
from service.cli.finding import Check, Finding, State, examine, in_thread
from service.cli.surroundings import Surroundings
from service.cli.wording import count, plain
from service.settings import BadSettings

app = typer.Typer(add_completion=False)
_STYLES = {State.OK: "green", State.INFO: "blue", State.WARNING: "yellow", State.PROBLEM: "bold red"}


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """What works here, what is missing, and what to do."""
    here = surroundings.of(context)
    findings = here.run(examine(checks_of(here)))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _show(findings, here.out)
    if any(finding.state is State.PROBLEM for finding in findings):
        raise typer.Exit(FAILED)


def checks_of(here: Surroundings) -> list[Check]:
    """What is looked at. Settings that cannot be read are a finding; then only the machine is looked at."""
    machine = [
        in_thread("Python", local_checks.python),
        in_thread("SQLite full-text search", local_checks.full_text_search),
    ]
    try:
        settings = here.settings
    except BadSettings as error:
        wrong = [Finding("settings", State.PROBLEM, str(problem), "Correct or unset it.") for problem in error.problems]

        async def told() -> list[Finding]:
            return wrong

        return [*machine, Check("settings", told)]
    remote_chroma = Check("Chroma", partial(network_checks.chroma, settings))
    embedded_chroma = in_thread("Chroma (embedded)", partial(local_checks.embedded_vectors, settings))
    shared_cache = [Check("shared cache", partial(network_checks.valkey, settings))] if settings.cache.url else []
    return [
        *machine,
        in_thread("data folder", partial(local_checks.data_folder, settings)),
        in_thread("data folder in use", partial(local_checks.data_folder_lock, settings)),
        in_thread("documents folder", partial(local_checks.documents_folder, settings)),
        Check("ports", partial(network_checks.ports, settings)),
        in_thread("API keys", partial(local_checks.key_file, settings)),
        in_thread("clock", partial(local_checks.clock, settings)),
        Check("Ollama", partial(network_checks.ollama, here)),
        Check("beside production", partial(sharing.shared_models, settings)),
        remote_chroma if settings.chroma.url else embedded_chroma,
        *shared_cache,
        Check("Collector", partial(collector_check.collector, settings)),
        Check("alerts", partial(alerts_check.alerts, settings)),
    ]


def _show(findings: list[Finding], out: Console) -> None:
    table = Table("check", "state", "seen", "what to do", box=None, pad_edge=False)
    for finding in findings:
        state = Text(finding.state, style=_STYLES[finding.state])
        table.add_row(finding.check, state, Text(plain(finding.seen)), Text(plain(finding.todo)))
    out.print(table)
    problems = sum(finding.state is State.PROBLEM for finding in findings)
    warnings = sum(finding.state is State.WARNING for finding in findings)
    if problems:
        out.print(f"\n{count(problems, 'problem')} to solve before the service can answer.", style="bold red")
    elif warnings:
        out.print(f"\nThe service can answer; {count(warnings, 'thing')} would make its answers better.")
    else:
        out.print("\nEverything is in place.", style="green")
