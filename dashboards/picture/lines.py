"""Time series: linear or logarithmic, beside or on each other, with bounds and examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dashboards.picture import colors, plot
from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.field import Field
from dashboards.picture.page import Box, Page
from dashboards.picture.prometheus import Numbers
from dashboards.picture.scale import Scale, linear, logarithmic
from dashboards.picture.window import Window

_EXAMPLES = 60


@dataclass(frozen=True)
class Line:
    """One series as it is drawn."""

    name: str
    color: str
    field: Field
    times: Numbers
    values: Numbers

    @property
    def dashes(self) -> str | tuple[int, tuple[int, ...]]:
        style = self.field.custom("lineStyle") or {}
        return (0, tuple(style["dash"])) if style.get("fill") == "dash" else "-"


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title."""
    lines = drawn(panel, answers)
    field = panel.field()
    if not lines:
        plot.nothing(page, box, field.empty)
        return
    is_log = field.custom("scaleDistribution", {}).get("type") == "log"
    is_stacked = field.custom("stacking", {}).get("mode") == "normal"
    room = plot.legend(page, box, [plot.Entry(line.name, line.color, line.dashes, is_stacked) for line in lines])
    scale = scale_of(lines, field, is_log=is_log, is_stacked=is_stacked)
    axes = plot.axes(page, room, scale, window, log=is_log)
    (_stack if is_stacked else _beside)(axes, lines)
    _bounds(axes, field, scale)
    plot.marks(axes, marks, step_s=15)
    _examples(axes, answers, scale)


def drawn(panel: Panel, answers: Sequence[Answer]) -> list[Line]:
    """Every series with at least one number, with its colour and style."""
    found: list[Line] = []
    for answer in answers:
        for series, name in zip(answer.series, answer.names, strict=True):
            field = panel.field(name)
            color = colors.shown(field.fixed_color) if field.fixed_color else colors.of_series(len(found))
            if np.isfinite(series.values).any():
                found.append(Line(name, color, field, answer.times, series.values))
    return found


def scale_of(lines: Sequence[Line], field: Field, *, is_log: bool, is_stacked: bool) -> Scale:
    """The axis that holds all lines."""
    if is_stacked:
        values = np.sum([np.nan_to_num(line.values) for line in lines], axis=0)
    else:
        values = np.concatenate([line.values for line in lines])
    finite = [float(value) for value in values[np.isfinite(values)]]
    return logarithmic(finite, field.unit) if is_log else linear(finite, field.unit, field.least, field.most)


def _beside(axes: Axes, lines: Sequence[Line]) -> None:
    for line in lines:
        width = line.field.custom("lineWidth", 1)
        axes.plot(line.times, line.values, color=line.color, linewidth=0.5 + width, linestyle=line.dashes, zorder=3)
        alone = _alone(line.values)
        axes.plot(line.times[alone], line.values[alone], ".", color=line.color, markersize=4, zorder=3)


def _stack(axes: Axes, lines: Sequence[Line]) -> None:
    below = np.zeros(len(lines[0].values))
    for line in lines:
        top = below + np.nan_to_num(line.values)
        opacity = line.field.custom("fillOpacity", 60) / 100
        axes.fill_between(line.times, below, top, color=line.color, alpha=opacity, linewidth=0, zorder=2)
        below = top


def _bounds(axes: Axes, field: Field, scale: Scale) -> None:
    if field.custom("thresholdsStyle", {}).get("mode") != "dashed":
        return
    for step in field.steps:
        if step.value is not None and step.color != colors.TRANSPARENT and scale.low <= step.value <= scale.high:
            axes.axhline(step.value, color=colors.shown(step.color), linewidth=1.2, linestyle=(0, (6, 4)), zorder=2)


def _examples(axes: Axes, answers: Sequence[Answer], scale: Scale) -> None:
    """Diamonds, spread over the time as Grafana spreads them."""
    found = sorted(
        (one for answer in answers for one in answer.examples if scale.low <= one.value <= scale.high),
        key=lambda one: one.at_s,
    )
    shown = found[:: max(1, len(found) // _EXAMPLES)]
    axes.plot(
        [one.at_s for one in shown],
        [one.value for one in shown],
        "D",
        color=colors.of_series(0),
        markersize=3.5,
        alpha=0.75,
        zorder=4,
        linestyle="none",
    )


def _alone(values: Numbers) -> NDArray[np.bool_]:
    """Where a number has none beside it, so that no line leads to it."""
    there = np.isfinite(values)
    padded = np.pad(there, 1)
    alone: NDArray[np.bool_] = there & ~padded[:-2] & ~padded[2:]
    return alone
