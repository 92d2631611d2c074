"""The results as JSON and as a Markdown page. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tests.bench.figures import Bar, Row, Side, text_of

_SIGNS = {Side.AT_LEAST: ">=", Side.AT_MOST: "<="}


def results_object(rows: Sequence[Row], methods: Mapping[str, str], machine: Mapping[str, Any]) -> dict[str, Any]:
    """What `docs/performance.json` holds. Figures keep four digits, so that runs can be compared as text."""
    return {
        "machine": dict(machine),
        "groups": [
            {
                "name": group,
                "method": methods[group],
                "figures": [_figure(row) for row in rows if row.group == group],
            }
            for group in _groups(rows)
        ],
    }


def render(rows: Sequence[Row], methods: Mapping[str, str], machine: Mapping[str, Any]) -> str:
    """The page: all bars first, then each group with its method and all of its figures."""
    barred = [row for row in rows if row.bar is not None]
    reached = sum(row.reached is True for row in barred)
    lines = [
        "# Performance: what the service's own work costs",
        "",
        "Written by `make bench` (`python -m tests.bench`); do not edit. The figures are in `performance.json` too.",
        "",
        f"Measured on {machine['cores']} cores with Python {machine['python']}; load generator, model server and "
        "telemetry receiver shared them with the service. Ratios come from one run, measured side by side in turns; "
        "times in milliseconds depend on the machine, so compare them with each other and not with other machines. "
        "Where rounds were repeated the figure is their median, and the note gives the best one.",
        "",
        "A *bar* is a limit that the project set itself beforehand. A missed one fails nothing; the table says so.",
        "",
        f"{reached} of {len(barred)} bars reached.",
        "",
        *_table(barred),
    ]
    for group in _groups(rows):
        lines += ["", f"## {group}", "", methods[group], "", *_table([row for row in rows if row.group == group])]
    return "\n".join(lines) + "\n"


def bar_text(bar: Bar | None, unit: str) -> str:
    """Such as `>= 60 %`. Three digits, as figures have."""
    return "" if bar is None else f"{_SIGNS[bar.side]} {float(f'{bar.limit:.3g}'):,g} {unit}".strip()


def figure_text(row: Row) -> str:
    """Such as `61.2 %`; a figure that was not taken has no unit."""
    return text_of(row.value) if row.value is None else f"{text_of(row.value)} {row.unit}".strip()


def verdict(row: Row) -> str:
    """What the last column says: a figure that was not taken is not reached."""
    if row.bar is None:
        return ""
    return {True: "yes", False: "**no**", None: "not measured"}[row.reached]


def _table(rows: Sequence[Row]) -> list[str]:
    lines = ["| what | figure | bar | reached | note |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {figure_text(row)} | {bar_text(row.bar, row.unit)} | {verdict(row)} | {row.note} |"
        for row in rows
    ]
    return lines


def _figure(row: Row) -> dict[str, Any]:
    rounded = None if row.value is None else float(f"{row.value:.4g}")
    bar = None if row.bar is None else {"side": row.bar.side.value, "limit": row.bar.limit}
    return {**asdict(row), "value": rounded, "bar": bar, "reached": row.reached}


def _groups(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.group for row in rows))
