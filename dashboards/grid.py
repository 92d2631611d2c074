"""Where panels stand: 24 columns, filled from left to right, a new line when the next one does not fit.

The SDK's own layout puts panels beyond the edge when widths are mixed, and gives no ids; links and annotations need
stable ones. So both are given here, in the order of placing.
"""

from typing import Any

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.models import dashboard as dm

COLUMNS = 24


class Grid:
    """The next free place, and the next id."""

    def __init__(self) -> None:
        self._id = self._x = self._y = self._height = 0

    def place(self, panel: Any, width: int, height: int) -> Any:
        """`panel`, a builder of the SDK, with its id and place."""
        if self._x + width > COLUMNS:
            self._break()
        self._id += 1
        panel.id(self._id).grid_pos(dm.GridPos(x=self._x, y=self._y, w=width, h=height))
        self._x += width
        self._height = max(self._height, height)
        return panel

    def row(self, title: str) -> d.Row:
        """An expanded row; the panels placed after it belong to it."""
        self._break()
        self._id += 1
        row = d.Row(title).id(self._id).grid_pos(dm.GridPos(x=0, y=self._y, w=COLUMNS, h=1))
        self._y += 1
        return row

    def _break(self) -> None:
        self._y += self._height
        self._x = self._height = 0
