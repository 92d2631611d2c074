"""Panels drawn from their JSON and what their queries answered: small, honest, like Grafana only where it matters."""

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import FuncFormatter

from tests.dashboards.boards import Panel
from tests.pictures.asking import Line
from tests.pictures.figures import COLORS, PALETTE, color_at, shown

INK, FAINT = "#d8d9da", "#8e8e8e"
_SMALL = 6
_LEGEND_AT_MOST = 8
Answers = Sequence[Sequence[Line]]


def draw(axes: Axes, panel: Panel, title: str, answers: Answers) -> None:
    """Fill the axes of one panel; `answers` are in the order of its targets."""
    axes.set_title(title, loc="left", fontsize=7, color=INK, pad=3)
    drawn = _KINDS.get(panel.kind, _needs_grafana)
    if panel.kind in _KINDS and panel.kind != "text" and not any(answers):
        _say(axes, panel.defaults.get("noValue") or "No data")
        return
    drawn(axes, panel, answers)


def _stat(axes: Axes, panel: Panel, answers: Answers) -> None:
    _blank(axes)
    line = answers[0][0]
    defaults = panel.defaults
    steps = defaults.get("thresholds", {}).get("steps", [])
    text = shown(line.last, defaults.get("unit", "none"), defaults.get("decimals"))
    axes.text(
        0.5,
        0.55,
        text,
        ha="center",
        va="center",
        fontsize=15,
        color=color_at(line.last, steps),
        transform=axes.transAxes,
    )
    if panel.options.get("graphMode") == "area" and len(line.values) > 1:
        small = axes.inset_axes((0, 0, 1, 0.3), facecolor="none")
        small.plot(line.times, line.values, color=color_at(line.last, steps), linewidth=0.7)
        _blank(small)


def _series(axes: Axes, panel: Panel, answers: Answers) -> None:
    custom = panel.defaults.get("custom", {})
    lines = [line for answer in answers for line in answer if any(map(math.isfinite, line.values))]
    colors = {line.name: _color(panel, line.name, at) for at, line in enumerate(lines)}
    if custom.get("stacking", {}).get("mode") == "normal" and lines:
        times = sorted({round(at) for line in lines for at in line.times})
        rows = [np.interp(times, line.times, np.nan_to_num(line.values), left=0, right=0) for line in lines]
        axes.stackplot(
            times, rows, colors=[colors[line.name] for line in lines], labels=[line.name for line in lines], alpha=0.75
        )
    else:
        for line in lines:
            dashed = "--" if line.name.startswith("p95") else "-"
            wide = 1.6 if line.name.startswith("mean") else 0.9
            axes.plot(line.times, line.values, dashed, color=colors[line.name], linewidth=wide, label=line.name)
    if panel.is_logarithmic:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0, top=panel.defaults.get("max"))
    if custom.get("thresholdsStyle", {}).get("mode") == "dashed":
        for step in panel.defaults["thresholds"]["steps"]:
            if step["value"] is not None:
                axes.axhline(step["value"], color=COLORS.get(step["color"], FAINT), linestyle=":", linewidth=0.8)
    _frame(axes, panel.defaults.get("unit", "none"))
    if lines:
        axes.legend(
            *(part[:_LEGEND_AT_MOST] for part in axes.get_legend_handles_labels()),
            loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=5, frameon=False, labelcolor=INK,
        )  # fmt: skip


def _heatmap(axes: Axes, panel: Panel, answers: Answers) -> None:
    del panel
    rows = sorted((line for line in answers[0] if line.name != "+Inf"), key=lambda line: float(line.name))
    times = sorted({round(at) for line in rows for at in line.times})
    totals = np.array([np.interp(times, line.times, line.values) for line in rows])
    counts = np.clip(np.diff(totals, axis=0, prepend=0), 0, None)
    counts[counts < 0.01] = np.nan
    edges = [0.5 * float(rows[0].name), *(float(line.name) for line in rows)]
    axes.pcolormesh([*times, times[-1] + 1], edges, counts, cmap="turbo", norm=LogNorm())
    axes.set_yscale("log")
    _frame(axes, "s")


def _states(axes: Axes, panel: Panel, answers: Answers) -> None:
    words: dict[str, Any] = panel.defaults["mappings"][0]["options"]
    lines = [line for answer in answers for line in answer]
    for row, line in enumerate(lines):
        for at, value in zip(line.times, line.values, strict=True):
            color = words.get(f"{value:g}", {}).get("color", "text")
            axes.barh(row, 4, left=at, height=0.7, color=COLORS.get(color, FAINT))
    axes.set_yticks(range(len(lines)), [line.name for line in lines], fontsize=5)
    _frame(axes, "none", ticks=False)


def _table(axes: Axes, panel: Panel, answers: Answers) -> None:
    _blank(axes)
    arranged: dict[str, Any] = next(
        (one["options"] for one in panel.raw.get("transformations", []) if one["id"] == "organize"), {}
    )
    order = arranged.get("indexByName", {})
    columns = {name: arranged["renameByName"][name] for name in sorted(order, key=lambda name: int(order[name]))}
    units = {
        one["matcher"]["options"]: next((p["value"] for p in one["properties"] if p["id"] == "unit"), "none")
        for one in panel.overrides
    }
    rows: dict[str, dict[str, str]] = {}
    for target, answer in zip(panel.targets, answers, strict=True):
        for line in answer:
            key = next((line.labels[name] for name in columns if name in line.labels), "")
            cells = rows.setdefault(
                key, {columns[name]: value for name, value in line.labels.items() if name in columns}
            )
            title = columns.get(f"Value #{target.ref}") or columns.get("Value")
            if title:
                cells[title] = shown(line.last, units.get(title, panel.defaults.get("unit", "none")))
    shown_columns = [title for title in columns.values() if any(title in cells for cells in rows.values())] or ["Value"]
    text = [[cells.get(title, "-")[:34] for title in shown_columns] for _, cells in sorted(rows.items())][:7]
    made = axes.table(
        cellText=text or [["-"] * len(shown_columns)],
        colLabels=shown_columns,
        loc="upper left",
        cellLoc="left",
        edges="horizontal",
    )
    made.auto_set_font_size(False)
    for cell in made.get_celld().values():
        cell.set_fontsize(_SMALL)
        cell.get_text().set_color(INK)
        cell.set_edgecolor("#333")


def _words(axes: Axes, panel: Panel, answers: Answers) -> None:
    del answers
    _blank(axes)
    plain = panel.options.get("content", "").replace("**", "").replace("*", "").strip()
    axes.text(
        0,
        0.95,
        textwrap.fill(" ".join(plain.split()), 84),
        va="top",
        fontsize=_SMALL,
        color=INK,
        transform=axes.transAxes,
    )


def _needs_grafana(axes: Axes, panel: Panel, answers: Answers) -> None:
    del panel, answers
    _say(axes, "a search of traces: needs Tempo and Grafana")


def _say(axes: Axes, text: str) -> None:
    _blank(axes)
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7, color=FAINT, transform=axes.transAxes)


def _blank(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def _frame(axes: Axes, unit: str, *, ticks: bool = True) -> None:
    axes.tick_params(labelsize=5, colors=FAINT, length=2)
    axes.grid(visible=True, color="#2c3235", linewidth=0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:.0f} s" if at else "now"))
    if ticks:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    for side in axes.spines.values():
        side.set_color("#2c3235")


def _color(panel: Panel, name: str, at: int) -> str:
    for override in panel.overrides:
        if override["matcher"].get("options") == name:
            for one in override["properties"]:
                if one["id"] == "color":
                    return COLORS.get(one["value"]["fixedColor"], FAINT)
    return PALETTE[at % len(PALETTE)]


_KINDS: dict[str, Callable[[Axes, Panel, Answers], None]] = {
    "stat": _stat,
    "timeseries": _series,
    "heatmap": _heatmap,
    "state-timeline": _states,
    "table": _table,
    "text": _words,
}
