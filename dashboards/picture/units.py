"""Values as text, in Grafana's units. Three significant digits unless decimals are given."""

import math
from collections.abc import Sequence

# From how many of the base unit on, and what it is called then.
_SCALES: dict[str, Sequence[tuple[float, str]]] = {
    "s": ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")),
    "bytes": ((2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B")),
    "percentunit": ((0.01, " %"),),
    "reqps": ((1, " req/s"),),
    "celsius": ((1, " °C"),),
    "watt": ((1, " W"),),
    "none": ((1, ""),),
    "short": ((1e9, " B"), (1e6, " M"), (1e3, " K"), (1, "")),
    "string": ((1, ""),),
}


def text_of(value: float, unit: str, decimals: int | None = None) -> str:
    """Raises `KeyError` for a unit that no dashboard here uses."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    size, name = _scale(value, unit)
    return _number(value / size, decimals) + name


def base(largest: float, unit: str) -> float:
    """What round values of an axis up to `largest` are multiples of: a minute, a MiB."""
    return _scale(largest, unit)[0] if unit in {"s", "bytes"} and largest else 1.0


def _scale(value: float, unit: str) -> tuple[float, str]:
    if unit.startswith("suffix:"):
        return 1, " " + unit.removeprefix("suffix:").strip()
    scales = _SCALES[unit]
    if value == 0:
        return next((one for one in scales if one[0] == 1), scales[-1])
    # What differs from a minute by an error of arithmetic is a minute, not 60 s.
    return next((one for one in scales if abs(value) >= one[0] * (1 - 1e-9)), scales[-1])


def _number(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(places, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
