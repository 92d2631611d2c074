"""A whole dashboard on one page: heading, variables, panels in their places, and what this picture is."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Protocol

from dashboards.picture import bars, colors, heatmap, lines, number, plot, table, timeline, words
from dashboards.picture.answers import Answer, Asker, Mark
from dashboards.picture.board import Board, Panel
from dashboards.picture.page import USUAL, Box, Page
from dashboards.picture.variables import Variables
from dashboards.picture.window import Window

CAPTION = "rendered by emini-rag from the dashboard's JSON and live query results, not a Grafana screenshot"
NEEDS_GRAFANA = "Needs Grafana and Tempo: a search of traces, which this renderer does not draw"
_WIDTH, _COLUMN, _ROW, _GAP = 1240.0, 24, 36.0, 8.0
_HEAD, _FOOT, _TITLE = 76.0, 30.0, 28.0


class Draw(Protocol):
    """Draws what is below the title of one kind of panel into a box."""

    def __call__(
        self, page: Page, box: Box, panel: Panel, answers: Sequence[Answer], window: Window, marks: Sequence[Mark] = ()
    ) -> None: ...


KINDS: Mapping[str, Draw] = {
    "stat": number.draw,
    "timeseries": lines.draw,
    "heatmap": heatmap.draw,
    "bargauge": bars.draw,
    "state-timeline": timeline.draw,
    "table": table.draw,
    "text": words.draw,
}


def drawn(board: Board, asker: Asker) -> Page:
    """The page. Raises `Refused` for a query that Prometheus refuses, `KeyError` for a kind of panel that is new."""
    bottom = max(panel.place.y + panel.place.h for panel in board.panels)
    page = Page(_WIDTH, _HEAD + bottom * _ROW + _FOOT)
    marks = {annotation: asker.marks(annotation) for annotation in board.annotations}
    _heading(page, board, asker.variables, list(marks.values()))
    for panel in board.panels:
        if panel.kind == "row":
            _row(page, panel)
            continue
        title = asker.variables.title(panel.title)
        room = _framed(page, panel, title)
        if panel.needs_grafana:
            plot.nothing(page, room, NEEDS_GRAFANA if room.w > 600 else "Needs Grafana and Tempo")
            continue
        own = [mark for annotation, mark in marks.items() if panel.id in annotation.panels]
        KINDS[panel.kind](page, room, panel, asker.answers(panel), asker.window, own)
    _foot(page, asker.window)
    return page


def _box(panel: Panel) -> Box:
    column = (_WIDTH - _GAP) / _COLUMN
    place = panel.place
    return Box(_GAP + place.x * column, _HEAD + place.y * _ROW, place.w * column - _GAP, place.h * _ROW - _GAP)


def _heading(page: Page, board: Board, variables: Variables, marks: Sequence[Mark]) -> None:
    page.text(2 * _GAP, 24, board.title, size=20, bold=True)
    about = page.fitting(board.about, _WIDTH - 40 - page.width_of(board.title, 20, bold=True), USUAL)
    page.text(2 * _GAP + page.width_of(board.title, 20, bold=True) + 16, 25, about, size=USUAL, color=colors.FAINT)
    x = 2 * _GAP
    for variable in board.variables:
        if variable.get("hide"):
            continue
        for text, color in (
            (str(variable.get("label") or variable["name"]), colors.FAINT),
            (variables.words(variable["name"]), colors.TEXT),
        ):
            width = page.width_of(text, USUAL)
            page.box(Box(x, 44, width + 14, 22), colors.PANEL, border=colors.BORDER)
            page.text(x + 7, 55, text, size=USUAL, color=color)
            x += width + 14
        x += 10
    for mark in marks:
        page.line(x + 8, 48, x + 8, 62, colors.shown(mark.color), 1.5, dashed=True)
        page.text(x + 14, 55, mark.name, size=USUAL, color=colors.FAINT)
        x += page.width_of(mark.name, USUAL) + 26


def _row(page: Page, panel: Panel) -> None:
    box = _box(panel)
    page.triangle(box.x + 4, box.y + box.h / 2, colors.TEXT)
    page.text(box.x + 18, box.y + box.h / 2, panel.title, size=14, bold=True)


def _framed(page: Page, panel: Panel, title: str) -> Box:
    box = _box(panel)
    if not panel.raw.get("transparent"):
        page.box(box, colors.PANEL, border=colors.BORDER)
    if not title:
        return box.within(left=10, top=8, right=10, bottom=8)
    page.text(box.x + 10, box.y + 15, page.fitting(title, box.w - 20, USUAL), size=USUAL)
    return box.within(left=10, top=_TITLE, right=10, bottom=8)


def _foot(page: Page, window: Window) -> None:
    first = datetime.datetime.fromtimestamp(window.start_s, datetime.UTC)
    last = datetime.datetime.fromtimestamp(window.end_s, datetime.UTC)
    page.text(
        2 * _GAP,
        page.height - _FOOT / 2,
        f"{first:%H:%M} to {last:%H:%M} UTC; {CAPTION}",
        color=colors.FAINT,
    )
