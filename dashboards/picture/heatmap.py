"""A heat map of a classic histogram: a row for each bucket, lighter for more."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from dashboards.picture import plot
from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.page import Box, Page
from dashboards.picture.prometheus import Numbers
from dashboards.picture.scale import Scale
from dashboards.picture.units import text_of
from dashboards.picture.window import Window

_EXAMPLES = 60
_LABEL_HEIGHT = 20.0


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title."""
    answer = answers[0]
    bounds, counts = by_bucket(answer)
    counts = np.where(counts > panel.options.get("filterValues", {}).get("le", 0), counts, np.nan)
    if not np.isfinite(counts).any():
        plot.nothing(page, box, panel.field().empty)
        return
    unit = panel.options.get("yAxis", {}).get("unit", "none")
    axes = plot.axes(page, box, rows(bounds, unit, box.h), window)
    _cells(axes, panel, answer.times, counts)
    plot.marks(axes, marks, step_s=15)
    _examples(axes, answer, bounds)


def by_bucket(answer: Answer) -> tuple[list[float], Numbers]:
    """Upper bounds from low to high, and how many values fell into each bucket: what is given counts all below too."""
    order = sorted(range(len(answer.series)), key=lambda at: float(answer.series[at].labels["le"]))
    bounds = [float(answer.series[at].labels["le"]) for at in order]
    if not order:
        return [], np.empty((0, len(answer.times)))
    up_to = np.array([answer.series[at].values for at in order])
    return bounds, np.diff(up_to, axis=0, prepend=np.zeros((1, len(answer.times))))


def row_of(value: float, bounds: Sequence[float]) -> float:
    """Where a value stands among the rows, with its place inside its bucket."""
    at = int(np.searchsorted(bounds, value))
    if at >= len(bounds) or not np.isfinite(bounds[at]):
        return at + 0.5
    below = bounds[at - 1] if at else 0.0
    return at + (value - below) / (bounds[at] - below)


def rows(bounds: Sequence[float], unit: str, height: float) -> Scale:
    """A row for each bucket, with as many bounds written as there is room for."""
    every = max(1, math.ceil(len(bounds) * _LABEL_HEIGHT / height))
    shown = list(range(every - 1, len(bounds), every))
    return Scale(0, len(bounds), [at + 1 for at in shown], [text_of(bounds[at], unit) for at in shown])


def _cells(axes: Axes, panel: Panel, times: Numbers, counts: Numbers) -> None:
    step_s = float(times[1] - times[0]) if len(times) > 1 else 1.0
    scheme = panel.options.get("color", {})
    axes.pcolormesh(
        # A point is the end of what it counts.
        np.append(times - step_s, times[-1]),
        np.arange(len(counts) + 1),
        np.ma.masked_invalid(counts),
        cmap=str(scheme.get("scheme", "Turbo")).lower(),
        norm=PowerNorm(scheme.get("exponent", 1), vmin=0, vmax=float(np.nanmax(counts))),
        edgecolors="#181b1f",
        linewidth=0.6,
        zorder=2,
    )


def _examples(axes: Axes, answer: Answer, bounds: Sequence[float]) -> None:
    shown = answer.examples[:: max(1, len(answer.examples) // _EXAMPLES)]
    axes.plot(
        [one.at_s for one in shown],
        [row_of(one.value, bounds) for one in shown],
        "D",
        color="white",
        markersize=3,
        alpha=0.6,
        linestyle="none",
        zorder=3,
    )
