"""A table: names left, numbers right, cells coloured by their thresholds, links in the colour of links."""

import datetime
import math
from collections.abc import Sequence

from dashboards.picture import colors, plot
from dashboards.picture.answers import Answer, Mark
from dashboards.picture.board import Panel
from dashboards.picture.cells import Cell, Table, arranged
from dashboards.picture.field import Field
from dashboards.picture.page import SMALL, Box, Page
from dashboards.picture.units import text_of
from dashboards.picture.window import Window

_ROW = 28.0
_PADDING = 10.0


def draw(
    page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
) -> None:
    """All of a panel below its title. Rows that do not fit are counted."""
    del window, marks  # a table is of one moment
    table = arranged(panel, answers)
    if not table.rows:
        plot.nothing(page, box, panel.field().empty)
        return
    fields = {name: panel.field(name) for name in table.columns}
    widths = _widths(page, table, fields, box.w)
    fits = int(box.h // _ROW) - 1
    shown = table.rows[: fits if len(table.rows) <= fits else fits - 1]
    x = box.x
    for name, width in zip(table.columns, widths, strict=True):
        is_number = _is_number(table, name)
        _write(page, Box(x, box.y, width, _ROW), name, colors.TEXT, right=is_number, bold=True)
        for at, row in enumerate(shown, start=1):
            cell = Box(x, box.y + _ROW * at, width, _ROW)
            _cell(page, cell, row[name], name, fields[name], right=is_number)
        x += width
    for at in range(1, len(shown) + 1):
        page.line(box.x, box.y + _ROW * at, box.x + box.w, box.y + _ROW * at, colors.BORDER)
    if len(shown) < len(table.rows):
        below = Box(box.x, box.y + _ROW * (len(shown) + 1), box.w, _ROW)
        _write(page, below, f"and {len(table.rows) - len(shown)} more below", colors.FAINT, right=False)


def cell_text(value: Cell, name: str, field: Field) -> str:
    """A cell as it is written."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return field.word_for_no_number
    if isinstance(value, str):
        return field.words.get(value, (value, ""))[0]
    if name.startswith("Time"):
        return f"{datetime.datetime.fromtimestamp(value / 1000, datetime.UTC):%H:%M:%S}"
    return text_of(value, field.unit, field.decimals)


def _cell(page: Page, cell: Box, value: Cell, name: str, field: Field, *, right: bool) -> None:
    color = colors.LINK if field.settings.get("links") else colors.TEXT
    way = (field.custom("cellOptions") or {}).get("type")
    if way == "color-background" and isinstance(value, float) and math.isfinite(value):
        page.box(cell.within(left=1, top=1, right=1), colors.reached(field.steps, value), opacity=0.85)
        color = colors.BACKGROUND
    elif way == "color-text" and str(value) in field.words:
        color = colors.shown(field.words[str(value)][1])
    _write(page, cell, cell_text(value, name, field), color, right=right)


def _write(page: Page, cell: Box, text: str, color: str, *, right: bool, bold: bool = False) -> None:
    text = page.fitting(text, cell.w - 2 * _PADDING + 2, SMALL, bold=bold)
    x = cell.x + (cell.w - _PADDING if right else _PADDING)
    page.text(x, cell.y + cell.h / 2, text, color=color, bold=bold, side="right" if right else "left")


def _widths(page: Page, table: Table, fields: dict[str, Field], width: float) -> list[float]:
    """By the longest text of each column, stretched or squeezed to the width."""
    needed = []
    for name in table.columns:
        texts = [cell_text(row[name], name, fields[name]) for row in table.rows]
        longest = max([page.width_of(name, bold=True), *(page.width_of(text) for text in texts)])
        needed.append(longest + 2 * _PADDING)
    return [one * width / sum(needed) for one in needed]


def _is_number(table: Table, name: str) -> bool:
    return any(isinstance(row[name], float) for row in table.rows) and not name.startswith("Time")
