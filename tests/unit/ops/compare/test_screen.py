"""A comparison on the terminal."""

from io import StringIO

from rich.console import Console

from ops.compare.document import Document, Grid, Section
from ops.compare.screen import progress, show


def console() -> tuple[Console, StringIO]:
    out = StringIO()
    return Console(file=out, width=100, highlight=False, markup=False, emoji=False), out


def test_the_brief_sections_are_shown_and_nothing_is_obeyed() -> None:
    out, seen = console()
    brief = Section("Times", ("Not this.",), Grid(("tier", "n", "p"), (("simple", "4", "\x1b[31m0.1"),)), brief=(0, 2))
    long = Section("Long", (), Grid(("a",), (("b",),)))
    show(Document("t", "slower", "bad", ("It is \x1b[2J[bold]so[/bold].",), (brief, long)), out)
    lines = [line.rstrip() for line in seen.getvalue().splitlines()]
    assert lines == ["slower", "It is [2J[bold]so[/bold].", "", "Times", "tier          p", "simple  [31m0.1"]


def test_without_a_terminal_a_tenth_is_a_line() -> None:
    err, seen = console()
    with progress(err, 20) as advance:
        for done in range(1, 21):
            advance(done)
    assert seen.getvalue().splitlines()[0] == "2 of 20 pairs asked"
    assert len(seen.getvalue().splitlines()) == 10


def test_few_steps_are_told_too() -> None:
    err, seen = console()
    with progress(err, 3) as advance:
        for done in (1, 2, 3):
            advance(done)
    assert len(seen.getvalue().splitlines()) == 3
