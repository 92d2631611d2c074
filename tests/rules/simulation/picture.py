"""The picture of docs/alert-quality.md: each rule's false alarms beside how soon it finds a change, by rate. An SVG
whose text stays text; the same figures make the same file.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dashboards.picture import colors
from prometheus.thresholds import Thresholds
from tests.rules.simulation.figures import Figures
from tests.rules.simulation.measure import RATES
from tests.rules.simulation.page import MOST_ALARMS, MOST_MINUTES
from tests.rules.simulation.watched import told

SCENARIO, CHANGE = "drift", "+50 %"
# Rates from few to many, so that they can be told apart without colours too.
_MARKS = dict(zip(RATES, (("o", "light-blue"), ("s", "green"), ("D", "orange")), strict=True))
_FEWEST, _LONGEST = 0.01, 1440.0


def draw(figures: Figures, limits: Thresholds) -> str:
    """The SVG."""
    settings = {"svg.fonttype": "none", "svg.hashsalt": "alert-quality", "font.family": "sans-serif", "font.size": 10}
    with mpl.rc_context(settings):
        figure = Figure(figsize=(10, 3.6), facecolor=colors.BACKGROUND, layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        rules = {name: one.short for name, one in told(limits).items()}
        alarms = {
            rate: [figures["alarms"][SCENARIO][str(rate)][name]["per week"] for name in rules]
            for rate in RATES
            if str(rate) in figures["alarms"][SCENARIO]
        }
        delays = {rate: _medians(figures, rate, list(rules)) for rate in alarms}
        _panel(left, alarms, f"False alarms per model and week ({SCENARIO})", MOST_ALARMS, (_FEWEST, 50))
        _panel(
            right,
            delays,
            f"Minutes until {CHANGE} is found, median ({SCENARIO})",
            MOST_MINUTES[CHANGE],
            (10, _LONGEST * 1.25),
        )
        _axes(left, right, list(rules.values()))
        out = io.StringIO()
        figure.savefig(out, format="svg", facecolor=colors.BACKGROUND, metadata={"Date": None})
    return out.getvalue()


def _medians(figures: Figures, rate: int, rules: Sequence[str]) -> list[float]:
    """A day where fewer than half are found."""
    found = figures["changes"][SCENARIO][str(rate)][CHANGE]
    return [found.get(name, {}).get("median") or _LONGEST for name in rules]


def _panel(
    axes: Axes, values: Mapping[int, Sequence[float]], title: str, goal: float, limits: tuple[float, float]
) -> None:
    axes.set_title(title, color=colors.TEXT, fontsize=11, loc="left")
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.axvline(goal, color=colors.shown("red"), linestyle="--", linewidth=1, label="goal: left of it")
    for place, (rate, row) in enumerate(values.items()):
        mark, color = _MARKS[rate]
        heights = [height + (place - 1) * 0.2 for height in range(len(row))]
        shown = [max(value, limits[0] * 1.15) for value in row]
        axes.scatter(shown, heights, marker=mark, s=42, color=colors.shown(color), label=f"{rate} a minute", zorder=3)
        axes.hlines(heights, limits[0], shown, color=colors.shown(color), linewidth=1, alpha=0.5)


def _axes(left: Axes, right: Axes, names: Sequence[str]) -> None:
    for axes in (left, right):
        axes.set_facecolor(colors.PANEL)
        axes.tick_params(colors=colors.TEXT, which="both")
        axes.grid(axis="x", color=colors.GRID)
        for spine in axes.spines.values():
            spine.set_color(colors.BORDER)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.5, -0.5)
    left.set_xticks([0.01, 0.1, 0.5, 1, 10], ["none", "0.1", "0.5", "1", "10"])
    right.set_xticks([10, 20, 45, 120, 360, 1440], ["10", "20", "45", "2 h", "6 h", "not in a day"])
    for axes in (left, right):
        axes.minorticks_off()
    left.legend(loc="lower right", facecolor=colors.BACKGROUND, edgecolor=colors.BORDER, labelcolor=colors.TEXT)
