"""A band for each series, coloured by what its value means."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dashboards.picture import colors, plot
from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.field import Field
from dashboards.picture.page import Box, Page
from dashboards.picture.prometheus import Numbers
from dashboards.picture.window import Window

_CLOCK = 20.0
_NAMES_AT_MOST = 0.55


@dataclass(frozen=True)
class Run:
    """From one time to another one value; `color` is that of its word."""

    start_s: float
    end_s: float
    color: str


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title."""
    field = panel.field()
    bands = [
        (name, runs(answer.times, series.values, field))
        for answer in answers
        for series, name in zip(answer.series, answer.names, strict=True)
    ]
    if not bands:
        plot.nothing(page, box, "Data does not have a time field")
        return
    room = plot.legend(
        page, box, [plot.Entry(word, colors.shown(color), block=True) for word, color in field.words.values()]
    )
    width = min(max(page.width_of(name) for name, _ in bands) + 8, box.w * _NAMES_AT_MOST)
    inner = room.within(left=width, right=6, bottom=_CLOCK)
    axes = page.axes(inner)
    axes.set_xlim(window.start_s, window.end_s)
    axes.set_ylim(len(bands), 0)
    share = panel.options.get("rowHeight", 0.9)
    for row, (name, found) in enumerate(bands):
        page.text(
            inner.x - 6, inner.y + inner.h * (row + 0.5) / len(bands), page.fitting(name, width - 8), side="right"
        )
        for run in found:
            axes.barh(row + 0.5, run.end_s - run.start_s, share, run.start_s, color=run.color, alpha=0.75, linewidth=0)
    plot.hours(page, inner, window, axes)
    plot.marks(axes, marks, step_s=15)


def runs(times: Numbers, values: Numbers, field: Field) -> list[Run]:
    """Neighbours of the same value are one; where there is no value there is nothing."""
    step_s = float(times[1] - times[0]) if len(times) > 1 else 1.0
    found: list[Run] = []
    for at_s, value in zip(times, values, strict=True):
        if not np.isfinite(value):
            continue
        color = colors.shown(field.words.get(f"{value:g}", ("", field.fixed_color or "text"))[1])
        start_s, end_s = float(at_s), float(at_s) + step_s
        if found and found[-1].color == color and abs(found[-1].end_s - start_s) < step_s / 2:
            start_s = found.pop().start_s
        found.append(Run(start_s, end_s, color))
    return found
