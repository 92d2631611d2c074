"""Adding documents on the terminal."""

import io
from collections import Counter

from rich.console import Console

from service.cli.ingest_screen import IngestScreen
from service.corpus.port import Ingested, IngestReport, IngestResult


def screen(*, terminal: bool = False) -> tuple[IngestScreen, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    consoles = (
        Console(file=out, width=120, markup=False, highlight=False),
        Console(file=err, width=120, force_terminal=terminal, markup=False),
    )
    return IngestScreen(*consoles), out, err


def report(*results: Ingested, removed: tuple[str, ...] = ()) -> IngestReport:
    return IngestReport(results, removed, Counter(one.result for one in results))


ADDED = Ingested("a.md", IngestResult.ADDED)
SAME = Ingested("b.md", IngestResult.UNCHANGED)
BROKEN = Ingested("[red]c.pdf", IngestResult.REJECTED, detail="c.pdf is encrypted; \x1b[2Jremove its password")


def test_counts_and_nothing_failed() -> None:
    shown, out, _ = screen()
    assert not shown.end(report(ADDED, SAME, SAME, removed=("old.md",)))
    assert out.getvalue() == "3 files: 1 added, 2 unchanged, 1 deleted\n"


def test_every_failure_is_listed_with_its_reason() -> None:
    shown, out, _ = screen()
    failed = Ingested("d.md", IngestResult.FAILED, detail="the disk is full")
    assert shown.end(report(ADDED, BROKEN, failed))
    lines = out.getvalue().splitlines()
    assert lines[0] == "3 files: 1 added, 1 rejected, 1 failed"
    assert "[red]c.pdf  rejected  c.pdf is encrypted; [2Jremove its password" in out.getvalue()
    assert lines[-1].split() == ["d.md", "failed", "the", "disk", "is", "full"]
    assert "\x1b" not in out.getvalue()


def test_a_reservation_of_many_is_told_once() -> None:
    shown, out, _ = screen()
    later = [Ingested(f"{name}.md", IngestResult.ADDED, detail="vectors follow") for name in "abc"]
    shown.end(report(*later))
    assert out.getvalue().count("vectors follow") == 1


def test_no_file_at_all_is_said() -> None:
    shown, out, _ = screen()
    assert not shown.end(report())
    assert out.getvalue() == "There is no file to add.\n"


def test_while_watching_only_news_are_told() -> None:
    shown, out, _ = screen()
    assert not shown.end(report(SAME, SAME), only_news=True)
    assert not shown.end(report(), only_news=True)
    assert out.getvalue() == ""
    assert not shown.end(report(removed=("gone.md",)), only_news=True)
    assert out.getvalue() == "0 files: 1 deleted\n"
    assert shown.end(report(BROKEN), only_news=True)


def test_progress_shows_file_and_counts_on_a_terminal_only() -> None:
    for terminal in (True, False):
        shown, out, err = screen(terminal=terminal)
        with shown.progress() as advance:
            advance(1, 40, "folder/" + "x" * 60 + "/name.md")
        assert ("1/40" in err.getvalue(), "/name.md" in err.getvalue()) == (terminal, terminal)
        assert out.getvalue() == ""
