"""A comparison on the terminal: progress while it runs, the short report at its end."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ops.compare.document import Document, Grid
from service.cli.wording import plain

_STYLES = {"good": "bold green", "bad": "bold red", "none": "bold"}
# Without a terminal, a line every so many questions.
_TOLD_PARTS = 10


@contextmanager
def progress(err: Console, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, now and then a line elsewhere. The function it gives takes the number of pairs done."""
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pairs"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    told = 0
    with bar:
        task = bar.add_task("", total=total)

        def advance(done: int) -> None:
            nonlocal told
            bar.update(task, completed=done)
            part = done * _TOLD_PARTS // total
            if part > told and not err.is_terminal:
                told = part
                err.print(f"{done} of {total} pairs asked", soft_wrap=True)

        yield advance


def show(document: Document, out: Console) -> None:
    """Verdict, summary, and what there is room for."""
    out.print(plain(document.verdict), style=_STYLES[document.mood])
    for sentence in document.summary:
        out.print(plain(sentence), soft_wrap=True)
    for section in document.sections:
        if section.brief and section.grid is not None:
            out.print()
            out.print(plain(section.title), style="bold")
            out.print(_table(section.grid, section.brief))


def _table(grid: Grid, columns: Sequence[int]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        justify: JustifyMethod = "right" if column and not grid.prose else "left"
        table.add_column(plain(grid.head[column]), justify=justify, overflow="fold")
    for row in grid.rows:
        table.add_row(*(plain(row[column]) for column in columns))
    return table
