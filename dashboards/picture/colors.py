"""Grafana's names of colours as what they look like on its dark theme."""

from collections.abc import Sequence

from dashboards.picture.field import Step

BACKGROUND, PANEL, BORDER, GRID = "#111217", "#181b1f", "#2c2f36", "#2a2e34"
TEXT, FAINT, LINK = "#ccccdc", "#8e8ea0", "#6e9fff"
THEME = (BACKGROUND, PANEL, BORDER, GRID, TEXT, FAINT, LINK)
TRANSPARENT = "transparent"

_NAMED = {
    "green": ("#37872d", "#56a64b", "#73bf69", "#96d98d", "#c8f2c2"),
    "yellow": ("#e0b400", "#f2cc0c", "#fade2a", "#ffee52", "#fff899"),
    "red": ("#c4162a", "#e02f44", "#f2495c", "#ff7383", "#ffa6b0"),
    "blue": ("#1f60c4", "#3274d9", "#5794f2", "#8ab8ff", "#c0d8ff"),
    "orange": ("#fa6400", "#ff780a", "#ff9830", "#ffb357", "#ffcb7d"),
    "purple": ("#8f3bb8", "#a352cc", "#b877d9", "#ca95e5", "#deb6f2"),
}
_SHADES = ("dark-", "semi-dark-", "", "light-", "super-light-")
_COLORS = {shade + name: value for name, values in _NAMED.items() for shade, value in zip(_SHADES, values, strict=True)}
# What series get that have no colour of their own, in their order.
_PALETTE = (
    *("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0"),
    *("#37872d", "#fade2a", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477"),
)


def shown(name: str) -> str:
    """A colour by its name, or as it is written. Raises `KeyError` for a name that Grafana does not have."""
    if name.startswith("#"):
        return name
    return TEXT if name == "text" else _COLORS[name]


def of_series(at: int) -> str:
    """The colour of the series at this place among all of its panel."""
    return _PALETTE[at % len(_PALETTE)]


def reached(steps: Sequence[Step], value: float) -> str:
    """The colour of the last threshold that `value` has reached."""
    found = "text"
    for step in steps:
        if step.value is None or value >= step.value:
            found = step.color
    return TEXT if found == TRANSPARENT else shown(found)
