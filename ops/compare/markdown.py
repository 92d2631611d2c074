"""A report as Markdown, for a change's description. Text of others is made harmless: it can neither end a table nor
bring markup. Pure."""

import re

from ops.compare.document import Document, Grid, Section
from service.cli.wording import plain

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~])")


def render(document: Document) -> str:
    """Drawings are left out."""
    head = [f"# {_text(document.title)}", f"**{_text(document.verdict)}**"]
    head += [_text(sentence) for sentence in (*document.summary, document.subject) if sentence]
    return "\n\n".join(head + [part for section in document.sections for part in _section(section)]) + "\n"


def _section(section: Section) -> list[str]:
    parts = [f"## {_text(section.title)}", *map(_text, section.sentences)]
    return parts if section.grid is None else [*parts, _table(section.grid)]


def _table(grid: Grid) -> str:
    ruler = ["---", *("---" if grid.prose else "---:" for _ in grid.head[1:])]
    rows = [[_text(cell) for cell in row] for row in grid.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ([_text(cell) for cell in grid.head], ruler, *rows))


def _text(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(plain(text).split()))
