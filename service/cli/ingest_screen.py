"""Adding documents on the terminal: progress while it runs, counts and every failure at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from service.cli.wording import count, plain
from service.corpus.port import IngestReport, IngestResult

FAILURES = (IngestResult.REJECTED, IngestResult.FAILED)
_NAME_CHARS = 40

Advance = Callable[[int, int, str], None]


class IngestScreen:
    """Progress goes to standard error, results to standard output."""

    def __init__(self, out: Console, err: Console) -> None:
        self._out = out
        self._err = err

    @contextmanager
    def progress(self) -> Iterator[Advance]:
        """A bar with the file, how many of how many, time gone and time left; nothing when no one would see it.

        The function it gives takes (done, all, file).
        """
        bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[file]}"),
            console=self._err,
            transient=True,
            disable=not self._err.is_terminal,
        )
        with bar:
            task = bar.add_task("", total=None, file="looking")

            def advance(done: int, total: int, file: str) -> None:
                bar.update(task, completed=done, total=total, file=_ending(plain(file)))

            yield advance

    def end(self, report: IngestReport, *, only_news: bool = False) -> bool:
        """Print what happened; True when something failed. `only_news`: nothing at all when nothing changed."""
        failures = [one for one in report.results if one.result in FAILURES]
        counted = {result: report.counts.get(result, 0) for result in IngestResult}
        if only_news and not report.removed and sum(counted.values()) == counted[IngestResult.UNCHANGED]:
            return False
        if not report.results and not report.removed:
            self._out.print("There is no file to add.")
            return False
        told = [f"{number:,} {result}" for result, number in counted.items() if number]
        if report.removed:
            told.append(f"{len(report.removed):,} deleted")
        self._out.print(f"{count(len(report.results), 'file')}: {', '.join(told)}")
        self._notes(report)
        if failures:
            table = Table("file", "result", "why", title="Not added", title_justify="left", box=None, pad_edge=False)
            for one in failures:
                table.add_row(plain(one.source), str(one.result), plain(one.detail))
            self._out.print(table)
        return bool(failures)

    def _notes(self, report: IngestReport) -> None:
        """What was added with a reservation, each reservation once."""
        details = {one.detail for one in report.results if one.result not in FAILURES and one.detail}
        for detail in sorted(details):
            self._out.print(f"Note: {plain(detail)}", style="yellow", soft_wrap=True)


def _ending(name: str) -> str:
    return name if len(name) <= _NAME_CHARS else "…" + name[1 - _NAME_CHARS :]
