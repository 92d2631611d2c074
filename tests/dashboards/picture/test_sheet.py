"""Every dashboard that there is can be drawn, full and empty, into a file that a page of documentation can carry."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from dashboards.__main__ import FOLDER
from dashboards.picture import sheet
from dashboards.picture.__main__ import draw_all, main
from dashboards.picture.answers import Asker
from dashboards.picture.board import Board, read
from dashboards.picture.page import LARGEST_BYTES
from dashboards.picture.variables import resolved
from dashboards.picture.window import Window
from tests.dashboards.picture.prometheus_stand_in import Labelled, StandIn

WINDOW = Window(1_000_000, 1_000_900, 15)
BOARDS = [board for board in read(FOLDER) if board.can_be_drawn]
_BY = re.compile(r"by \(([^)]*)\)")
EXAMPLE = {
    "seriesLabels": {"le": "2.56"},
    "exemplars": [{"labels": {"trace_id": "1"}, "value": "2.1", "timestamp": 1_000_500}],
}


def some(query: str) -> Sequence[Labelled]:
    """Three series with every label that the query groups by; cumulative where it wants buckets."""
    names = {name.strip() for match in _BY.finditer(query) for name in match[1].split(",") if name.strip()}
    bounds = ("0.64", "2.56", "+Inf")
    return [
        (
            {name: bounds[number] if name == "le" else f"{name}-{number}" for name in names},
            lambda at, number=number: 1 + number + math.sin(at / 100) / 2,
        )
        for number in range(3)
    ]


def asker(board: Board, stand_in: StandIn) -> Asker:
    client = stand_in.client()
    return Asker({"datasource": client, "other": client}, resolved(board, {}, lambda *_: []), WINDOW)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
@pytest.mark.parametrize("series", [some, lambda _: ()], ids=["full", "empty"])
def test_every_dashboard_can_be_drawn(board: Board, series: object, tmp_path: Path) -> None:
    stand_in = StandIn(series, examples=[EXAMPLE])  # type: ignore[arg-type]
    path = tmp_path / "made.png"
    sheet.drawn(board, asker(board, stand_in)).save(path)
    with Image.open(path) as image:
        assert image.width > image.height / 3
        assert len(image.convert("RGB").getcolors(256) or []) > 10
    assert path.stat().st_size <= LARGEST_BYTES


def test_every_kind_of_panel_is_known() -> None:
    kinds = {panel.kind for board in BOARDS for panel in board.panels if not panel.needs_grafana}
    assert kinds - {"row"} <= set(sheet.KINDS)


def test_every_query_is_asked_once_with_nothing_left_to_put_in() -> None:
    for board in BOARDS:
        stand_in = StandIn()
        sheet.drawn(board, asker(board, stand_in))
        asked = [given["query"] for path, given in stand_in.asked if path in {"query", "query_range"}]
        targets = [target for panel in board.panels for target in panel.targets if target.source == "prometheus"]
        assert len(asked) == len(targets) + len(board.annotations)
        assert not [query for query in asked if "$" in query]


def test_a_dashboard_of_traces_alone_is_left_out(tmp_path: Path) -> None:
    client = StandIn().client()
    made = draw_all({"datasource": client, "other": client}, WINDOW, tmp_path, {}, ["trace", "environments"])
    assert [path.name for path in made] == ["environments.png"]


def test_the_same_answers_make_the_same_file(tmp_path: Path) -> None:
    board = next(board for board in BOARDS if board.name == "environments")
    for name in ("a", "b"):
        sheet.drawn(board, asker(board, StandIn(some))).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_prometheus_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path)]) == 1
    assert "Is Prometheus at http://127.0.0.1:9?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
