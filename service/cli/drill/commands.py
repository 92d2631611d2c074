"""`emini-rag drill`: breaks a development installation on purpose, and sees whether its alerts notice.

Development only. What is broken is real: processes are held, models removed, caches emptied; everything is put back,
on Ctrl-C and on every failure too, and what a killed drill left behind at the next call.
"""

import json
from typing import Annotated

import typer
from rich.table import Table

from service.cli import surroundings
from service.cli.client import KeyFile, KeyInArgv, Url, address_of, connect
from service.cli.drill import ports
from service.cli.drill.alertmanager import Alertmanager
from service.cli.drill.drills import DRILLS
from service.cli.drill.interrupts import Interrupts
from service.cli.drill.parts import Parts
from service.cli.drill.processes import Machine
from service.cli.drill.prometheus import Prometheus
from service.cli.drill.running import Running
from service.cli.drill.scene import QUESTION, Scene
from service.cli.drill.timeline import Report, Timeline, show
from service.cli.failures import FAILED, USAGE, Failure
from service.cli.surroundings import Surroundings
from service.cli.wording import plain

app = typer.Typer(add_completion=False, no_args_is_help=True)

PrometheusUrl = Annotated[str, typer.Option("--prometheus", help="Address of development's Prometheus.")]
AlertmanagerUrl = Annotated[str, typer.Option("--alertmanager", help="Address of development's Alertmanager.")]
OllamaUrl = Annotated[str, typer.Option("--ollama", help="Address of its Ollama, if it cannot be found out.")]
Shared = Annotated[bool, typer.Option("--shared-ollama", help="Touch an Ollama that production uses too.")]


@app.callback()
def drill() -> None:
    """Break a development installation on purpose, and see whether its alerts notice."""


@app.command("list")
def listing(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    ollama: OllamaUrl = "",
    shared_ollama: Shared = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Every drill: the alert that it must raise, and what that proves."""
    here = surroundings.of(context)
    if as_json:
        told = [{"name": one.name, "alert": one.alert, "proves": one.proves} for one in DRILLS.values()]
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        table = Table("drill", "alert", "what it proves", box=None, pad_edge=False)
        for one in DRILLS.values():
            table.add_row(one.name, one.alert, one.proves)
        here.out.print(table)
    with connect(here.settings, _url(here, url), key_file) as service:
        parts = Parts(service.url, Machine(), here.pause, ollama=ollama, shared_ollama=shared_ollama)
        scene = Scene(service, Prometheus(""), Alertmanager(""), parts, here.pause)
        try:
            scene.enter()
            _put_back(here, scene)
        except Failure:
            here.note("No development instance was found here, so nothing was looked for that a drill left behind.")


@app.command()
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="One of `emini-rag drill list`.")],
    model: Annotated[str, typer.Option(help="The model to ask and to break (default: the smallest).")] = "",
    question: Annotated[str, typer.Option(help="What is asked; {number} counts.")] = QUESTION,
    patience: Annotated[float, typer.Option(min=0.01, max=600, help="Longest wait for one thing, in minutes.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print the timeline as JSON.")] = False,
    prometheus: PrometheusUrl = ports.PROMETHEUS,
    alertmanager: AlertmanagerUrl = ports.ALERTMANAGER,
    ollama: OllamaUrl = "",
    shared_ollama: Shared = False,
    url: Url = None,
    key_file: KeyFile = None,
    _key: KeyInArgv = None,
) -> None:
    """Break one thing, wait for its alert, look at its labels and links, mend, and wait for its end."""
    here = surroundings.of(context)
    chosen = DRILLS.get(name)
    if chosen is None:
        raise Failure(f"There is no drill {name}", lines=[f"there are: {', '.join(DRILLS)}"], code=USAGE)
    report = Report(name, chosen.alert, Timeline(here.clock))
    with (
        Interrupts(here.note) as interrupts,
        connect(here.settings, _url(here, url), key_file) as service,
        here.err.status(f"{name}: looking around") as status,
    ):
        parts = Parts(service.url, Machine(), here.pause, ollama=ollama, shared_ollama=shared_ollama)
        watchers = Prometheus(prometheus), Alertmanager(alertmanager)
        scene = Scene(service, *watchers, parts, here.pause, model=model, question=question)
        scene.enter()
        _put_back(here, scene)
        running = Running(
            chosen,
            scene,
            report,
            here.clock,
            interrupts,
            lambda text: status.update(f"{name}: {text}"),
            60 * patience,
        )
        try:
            running.run()
        except BaseException as error:
            report.failure = error.what if isinstance(error, Failure) else "stopped"
            raise
        finally:
            status.stop()
            _show(here, report, as_json=as_json)
    if not report.passed:
        raise typer.Exit(FAILED)


def _url(here: Surroundings, given: str | None) -> str:
    """What is named, else what the settings say when they are those of a development instance, else its usual port."""
    if given is None and here.settings.environment == ports.DEVELOPMENT:
        return address_of(here.settings)
    return given or ports.SERVICE


def _put_back(here: Surroundings, scene: Scene) -> None:
    """What drills have left behind that could not end in order. An Ollama that is not to be touched has nothing."""
    try:
        told = scene.parts.models().put_back_all()
    except Failure:
        return
    for line in told:
        here.note(f"Left by an interrupted drill: {plain(line)}.")


def _show(here: Surroundings, report: Report, *, as_json: bool) -> None:
    if not report.timeline.events:
        return
    if as_json:
        typer.echo(json.dumps(report.as_object(), ensure_ascii=False, indent=2))
    else:
        show(report, here.out)
