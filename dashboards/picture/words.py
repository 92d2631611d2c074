"""A text in the little Markdown that panels use: bold, italic, paragraphs."""

import re
from collections.abc import Iterator, Sequence

from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.page import USUAL, Box, Page
from dashboards.picture.window import Window

_LINE = 20.0
_ITALIC = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title."""
    del answers, window, marks  # a text asks nothing
    x, y = box.x, box.y + _LINE / 2
    space = page.width_of("a b", USUAL) - page.width_of("ab", USUAL)
    for paragraph in re.split(r"\n\s*\n", str(panel.options.get("content", "")).strip()):
        for word, is_bold in words(paragraph):
            width = page.width_of(word, USUAL, bold=is_bold)
            if x + width > box.x + box.w:
                x, y = box.x, y + _LINE
            page.text(x, y, word, size=USUAL, bold=is_bold)
            x += width + space
        x, y = box.x, y + 1.5 * _LINE


def words(paragraph: str) -> Iterator[tuple[str, bool]]:
    """Each word, and whether it is bold. What is italic is a name here, and is put in quotes."""
    quoted = _ITALIC.sub(r"“\1”", re.sub(r"\s+", " ", paragraph))
    for at, part in enumerate(quoted.split("**")):
        yield from ((word, at % 2 == 1) for word in part.split())
