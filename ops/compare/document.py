"""A report before it is HTML, Markdown or a terminal: a verdict, and sections of sentences, tables and drawings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first column names the row; the others are figures, unless `prose`."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """`drawings` are SVG elements; what they show stands in the grid too. On a terminal, with less room, only the
    columns `brief` of the grid are shown, or nothing of the section."""

    title: str
    sentences: tuple[str, ...] = ()
    grid: Grid | None = None
    drawings: tuple[str, ...] = ()
    brief: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """`verdict` is one of the four; `mood` good, bad or none; `summary` says it in sentences, and
    `subject` of what it is said."""

    title: str
    verdict: str
    mood: str
    summary: tuple[str, ...]
    sections: tuple[Section, ...] = ()
    subject: str = ""
