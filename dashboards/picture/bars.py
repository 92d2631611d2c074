"""A bar for each series, as it is now."""

from collections.abc import Sequence

import numpy as np

from dashboards.picture import colors, plot
from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.page import USUAL, Box, Page
from dashboards.picture.units import text_of
from dashboards.picture.window import Window

_HIGHEST = 44.0
_NAMES_AT_MOST = 0.55


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title."""
    del window, marks  # bars are of one moment
    found = latest(answers)
    field = panel.field()
    if not found:
        plot.nothing(page, box, field.empty)
        return
    texts = [text_of(value, field.unit, field.decimals) for _, value in found]
    names_width = min(max(page.width_of(name, USUAL) for name, _ in found) + 10, box.w * _NAMES_AT_MOST)
    values_width = max(page.width_of(text, USUAL) for text in texts) + 10
    least = field.least or 0.0
    most = field.most if field.most is not None else max(value for _, value in found)
    height = min(box.h / len(found), _HIGHEST)
    for row, ((name, value), text) in enumerate(zip(found, texts, strict=True)):
        bar = Box(box.x + names_width, box.y + height * row + 3, box.w - names_width - values_width, height - 6)
        color = colors.reached(panel.field(name).steps, value)
        share = min(max((value - least) / ((most - least) or 1.0), 0.0), 1.0)
        page.text(bar.x - 8, bar.y + bar.h / 2, page.fitting(name, names_width - 10, USUAL), size=USUAL, side="right")
        page.box(bar, colors.GRID)
        page.box(Box(bar.x, bar.y, bar.w * share, bar.h), color, opacity=0.6)
        page.text(box.x + box.w, bar.y + bar.h / 2, text, size=USUAL, color=color, side="right")


def latest(answers: Sequence[Answer]) -> list[tuple[str, float]]:
    """Name and last number of every series that has one."""
    found = []
    for answer in answers:
        for series, name in zip(answer.series, answer.names, strict=True):
            finite = series.values[np.isfinite(series.values)]
            if len(finite):
                found.append((name, float(finite[-1])))
    return found
