"""A report as Markdown."""

from ops.compare.document import Document, Grid, Section
from ops.compare.markdown import render

GRID = Grid(("tier", "pairs"), (("simple", "40"), ("all", "80")))


def test_verdict_sections_and_tables() -> None:
    told = render(
        Document("A and B", "slower", "bad", ("It is.",), (Section("Times", ("Words.",), GRID, ("<svg/>",)),))
    )
    assert told == (
        "# A and B\n\n**slower**\n\nIt is.\n\n## Times\n\nWords.\n\n"
        "| tier | pairs |\n| --- | ---: |\n| simple | 40 |\n| all | 80 |\n"
    )


def test_what_was_compared_stands_below_the_summary() -> None:
    told = render(Document("t", "slower", "bad", ("It is.",), subject="B against A"))
    assert told == "# t\n\n**slower**\n\nIt is.\n\nB against A\n"


def test_text_of_others_brings_no_markup() -> None:
    grid = Grid(("question", "baseline"), (("a | b\n\nc", "<script> [x](y) **bold** `code` # \x1b[31m"),), prose=True)
    told = render(Document("t", "v", "none", (), (Section("s", grid=grid),)))
    assert told.splitlines()[-3:] == [
        "| question | baseline |",
        "| --- | --- |",
        r"| a \| b c | \<script\> \[x\](y) \*\*bold\*\* \`code\` \# \[31m |",
    ]
