"""Panels stand side by side, break into lines, and have ids in their order."""

from grafana_foundation_sdk.builders import stat

from dashboards.grid import Grid


def places(*sizes: tuple[int, int]) -> list[tuple[int, int, int]]:
    grid = Grid()
    built = [grid.place(stat.Panel(), width, height).build() for width, height in sizes]
    return [(panel.id_val, panel.grid_pos.x, panel.grid_pos.y) for panel in built]


def test_side_by_side_until_the_line_is_full() -> None:
    assert places((12, 8), (12, 6), (8, 4)) == [(1, 0, 0), (2, 12, 0), (3, 0, 8)]


def test_what_does_not_fit_begins_a_line() -> None:
    assert places((10, 4), (16, 4)) == [(1, 0, 0), (2, 0, 4)]


def test_a_row_begins_a_line_and_takes_one() -> None:
    grid = Grid()
    grid.place(stat.Panel(), 12, 8)
    row = grid.row("Next").build()
    below = grid.place(stat.Panel(), 6, 4).build()
    assert row.grid_pos
    assert (row.grid_pos.y, row.grid_pos.w, below.grid_pos.y, below.id_val) == (8, 24, 9, 3)
