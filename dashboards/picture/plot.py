"""What panels over time share: room for labels and legend, lines of the grid, the clock, marks of annotations."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from dashboards.picture import colors
from dashboards.picture.answers import Mark
from dashboards.picture.page import SMALL, Box, Page
from dashboards.picture.scale import Scale, clock
from dashboards.picture.window import Window

_CLOCK, _LINE, _SWATCH, _GAP = 20.0, 17.0, 18.0, 14.0
_LEGEND_LINES = 2


@dataclass(frozen=True)
class Entry:
    """One name in a legend; `dashes` as matplotlib takes them."""

    name: str
    color: str
    dashes: str | tuple[int, tuple[int, ...]] = "-"
    block: bool = False


def legend(page: Page, box: Box, entries: Sequence[Entry]) -> Box:
    """Draw the names at the lower end; the box above them. What does not fit in two lines is counted."""
    lines = _in_lines(page, box.w, entries)
    top = box.y + box.h - _LINE * len(lines)
    for row, line in enumerate(lines):
        x, y = box.x, top + _LINE * (row + 0.5)
        for entry in line:
            if entry.block:
                page.box(Box(x, y - 4, _SWATCH - 8, 8), entry.color)
            elif entry.color != colors.TRANSPARENT:
                page.line(x, y, x + _SWATCH - 6, y, entry.color, 2.5, dashed=entry.dashes != "-")
            name = page.fitting(entry.name, box.w - _SWATCH)
            page.text(x + _SWATCH, y, name)
            x += _SWATCH + page.width_of(name) + _GAP
    return box.within(bottom=_LINE * len(lines) + (4 if lines else 0))


def axes(page: Page, box: Box, scale: Scale, window: Window, *, log: bool = False) -> Axes:
    """Axes with the scale on the left and the clock below."""
    left = max((page.width_of(label) for label in scale.labels), default=0) + 8
    inner = box.within(left=left, top=8, right=6, bottom=_CLOCK)
    made = page.axes(inner)
    made.set_xlim(window.start_s, window.end_s)
    if log:
        made.set_yscale("log")
        made.tick_params(which="both", left=False, labelleft=False)
    made.set_ylim(scale.low, scale.high)
    heights = np.log([scale.low, scale.high, *scale.ticks]) if log else np.array([scale.low, scale.high, *scale.ticks])
    low, high, *ticks = (float(height) for height in heights)
    for tick, label in zip(ticks, scale.labels, strict=True):
        y = inner.y + inner.h * (1 - (tick - low) / (high - low))
        page.text(inner.x - 6, y, label, color=colors.FAINT, side="right")
        made.axhline(scale.ticks[ticks.index(tick)], color=colors.GRID, linewidth=1, zorder=0)
    hours(page, inner, window, made)
    return made


def hours(page: Page, inner: Box, window: Window, made: Axes) -> None:
    """The clock below a box, in UTC, and its lines."""
    for at_s in clock(window.start_s, window.end_s, at_most=max(2, int(inner.w // 70))):
        x = inner.x + inner.w * (at_s - window.start_s) / window.length_s
        made.axvline(at_s, color=colors.GRID, linewidth=1, zorder=0)
        told = datetime.datetime.fromtimestamp(at_s, datetime.UTC)
        text = f"{told:%H:%M}" if at_s % 60 == 0 else f"{told:%H:%M:%S}"
        half = page.width_of(text) / 2
        page.text(min(max(x, inner.x + half), inner.x + inner.w - half), inner.y + inner.h + 11, text,
                  color=colors.FAINT, side="center")  # fmt: skip


def marks(made: Axes, given: Sequence[Mark], step_s: float) -> None:
    """A dashed line at each mark; a shade where one goes on."""
    for mark in given:
        color = colors.shown(mark.color)
        for run in np.split(mark.times, np.flatnonzero(np.diff(mark.times) > 1.5 * step_s) + 1):
            if not len(run):
                continue
            made.axvline(run[0], color=color, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
            if len(run) > 1:
                made.axvspan(run[0], run[-1], color=color, alpha=0.1, linewidth=0, zorder=0)


def nothing(page: Page, box: Box, text: str) -> None:
    """What stands in an empty panel."""
    page.text(box.x + box.w / 2, box.y + box.h / 2, page.fitting(text or "No data", box.w, SMALL + 2), size=SMALL + 2,
              color=colors.FAINT, side="center")  # fmt: skip


def _in_lines(page: Page, width: float, entries: Sequence[Entry]) -> list[list[Entry]]:
    lines: list[list[Entry]] = []
    used = width
    for at, entry in enumerate(entries):
        needed = _SWATCH + page.width_of(entry.name)
        if used + needed > width:
            if len(lines) == _LEGEND_LINES:
                lines[-1][-1] = Entry(f"and {len(entries) - at + 1} more", colors.TRANSPARENT)
                break
            lines.append([])
            used = 0
        lines[-1].append(entry)
        used += needed + _GAP
    return lines
