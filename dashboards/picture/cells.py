"""The rows and columns of a table, arranged by the panel's transformations as Grafana does."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.picture.answers import Answer
from dashboards.picture.board import Panel

Cell = str | float | None
"""A label, a number, or nothing."""
Row = dict[str, Cell]


@dataclass(frozen=True)
class Table:
    """Columns in their order; every row has all of them."""

    columns: Sequence[str]
    rows: Sequence[Row]


def arranged(panel: Panel, answers: Sequence[Answer]) -> Table:
    """What the panel shows. Raises `ValueError` for a transformation that no dashboard here uses."""
    frames = [_frame(answer, alone=len(answers) == 1) for answer in answers]
    table = _one_after_another(frames)
    for transformation in panel.transformations:
        options = transformation["options"]
        match transformation["id"]:
            case "joinByField":
                table = _joined(frames, options["byField"])
            case "organize":
                table = _organized(table, options)
            case other:
                raise ValueError(f"the transformation {other!r} cannot be drawn")
    for order in reversed(panel.options.get("sortBy") or []):
        table = _sorted(table, order["displayName"], descending=order.get("desc", False))
    return table


def _frame(answer: Answer, *, alone: bool) -> Table:
    value = "Value" if alone else f"Value #{answer.target.ref}"
    labels = sorted({name for series in answer.series for name in series.labels})
    rows: list[Row] = [
        {"Time": answer.times[-1] * 1000, **series.labels, value: float(series.values[-1])} for series in answer.series
    ]
    return Table(["Time", *labels, value] if rows else [], rows)


def _one_after_another(frames: Sequence[Table]) -> Table:
    columns = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    return Table(columns, [row for frame in frames for row in frame.rows])


def _joined(frames: Sequence[Table], by: str) -> Table:
    """One row for each value of `by`. A query without an answer has no column, as in Grafana."""
    rows: dict[Cell, Row] = {}
    for frame in frames:
        for row in frame.rows:
            rows.setdefault(row.get(by), {by: row.get(by)}).update(row)
    columns = list(dict.fromkeys([by, *(name for frame in frames for name in frame.columns)]))
    return Table(columns, list(rows.values()) if any(frame.columns for frame in frames) else [])


def _organized(table: Table, options: Mapping[str, Any]) -> Table:
    hidden, order, names = options["excludeByName"], options["indexByName"], options["renameByName"]
    kept = [name for name in table.columns if not hidden.get(name)]
    kept.sort(key=lambda name: order.get(name, len(order)))
    rows: list[Row] = [{names.get(name, name): row.get(name) for name in kept} for row in table.rows]
    return Table([names.get(name, name) for name in kept], rows)


def _sorted(table: Table, name: str, *, descending: bool) -> Table:
    def place(row: Row) -> tuple[bool, float, str]:
        value = row.get(name)
        is_there = value is not None and not (isinstance(value, float) and math.isnan(value))
        return is_there, value if isinstance(value, float) else 0.0, value if isinstance(value, str) else ""

    return Table(table.columns, sorted(table.rows, key=place, reverse=descending))
