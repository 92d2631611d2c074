"""One number in the colour of its threshold, with its course behind it."""

from collections.abc import Sequence

import numpy as np

from dashboards.picture import colors
from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.page import USUAL, Box, Page
from dashboards.picture.units import text_of
from dashboards.picture.window import Window

_LARGEST, _SMALLEST = 34.0, 13.0


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title."""
    del marks  # a number has no time to mark
    text, color = said(panel, answers)
    if panel.options.get("graphMode") == "area":
        _course(page, box, answers, window, color)
    size = _LARGEST
    while size > _SMALLEST and page.width_of(text, size, bold=True) > box.w - 12:
        size -= 1
    middle = box.x + box.w / 2
    name = named(panel, answers)
    page.text(middle, box.y + box.h * (0.36 if name else 0.5), text, size=size, color=color, bold=True, side="center")
    if name:
        page.text(middle, box.y + box.h * 0.78, page.fitting(name, box.w, USUAL), size=USUAL, side="center")


def named(panel: Panel, answers: Sequence[Answer]) -> str:
    """The name of the series, where the panel shows it and there is one."""
    is_wanted = panel.options.get("textMode") == "value_and_name"
    return answers[0].names[0] if is_wanted and answers and answers[0].names else ""


def said(panel: Panel, answers: Sequence[Answer]) -> tuple[str, str]:
    """The text and its colour: the last number of the first series, or what stands for none."""
    field = panel.field()
    values = answers[0].series[0].values if answers and answers[0].series else np.array([])
    finite = values[np.isfinite(values)]
    if not len(finite):
        return (field.word_for_no_number if len(values) else field.empty) or "No data", colors.TEXT
    last = float(finite[-1])
    return text_of(last, field.unit, field.decimals), colors.reached(field.steps, last)


def _course(page: Page, box: Box, answers: Sequence[Answer], window: Window, color: str) -> None:
    if not answers or not answers[0].series:
        return
    values = answers[0].series[0].values
    if np.isfinite(values).sum() < 2:
        return
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    axes = page.axes(box.within(top=box.h * 0.55))
    axes.set_xlim(window.start_s, window.end_s)
    axes.set_ylim(min(0.0, low), high * 1.05 if high > 0 else 1)
    axes.fill_between(answers[0].times, 0, values, color=color, alpha=0.2, linewidth=0)
    axes.plot(answers[0].times, values, color=color, linewidth=1, alpha=0.7)
