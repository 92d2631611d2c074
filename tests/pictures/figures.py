"""Values as people read them, and the colours of a dashboard's own names."""

import math
from collections.abc import Sequence

COLORS = {
    "green": "#56A64B",
    "light-green": "#96D98D",
    "dark-green": "#37872D",
    "yellow": "#F2CC0C",
    "light-yellow": "#FFEE52",
    "orange": "#FF780A",
    "red": "#E02F44",
    "blue": "#3274D9",
    "light-blue": "#8AB8FF",
    "purple": "#A352CC",
    "light-purple": "#CA95E5",
    "text": "#9fa7b3",
    "transparent": "none",
}
PALETTE = ("#56A64B", "#F2CC0C", "#3274D9", "#FF780A", "#E02F44", "#A352CC", "#8AB8FF", "#96D98D", "#CA95E5", "#FFEE52")
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A value with its unit."""
    if not math.isfinite(value):
        return "-"
    if unit == "s":
        return _seconds(value)
    if unit == "percentunit":
        return f"{100 * value:.{1 if decimals is None else decimals}f} %"
    if unit == "bytes":
        return next((f"{value / size:.1f} {name}" for size, name in _SIZES if value >= size), f"{value:.0f} B")
    text = f"{value:.{decimals}f}" if decimals is not None else f"{value:.3g}"
    return text + {"reqps": " /s", "celsius": " °C", "watt": " W"}.get(
        unit, unit.removeprefix("suffix:") if unit.startswith("suffix") else ""
    )


def color_at(value: float, steps: Sequence[dict[str, object]]) -> str:
    """The colour of the highest threshold that a value has reached."""
    found = "text"
    for step in steps:
        bound = step.get("value")
        if bound is None or value >= float(str(bound)):
            found = str(step["color"])
    return COLORS.get(found, COLORS["text"])


def _seconds(value: float) -> str:
    if value >= 60:
        return f"{value / 60:.1f} min"
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.3g} ms"
