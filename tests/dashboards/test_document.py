"""The page about the dashboards tells of all of them, by the names they have, with pictures that are there."""

import re

from dashboards.picture.board import read as drawable
from dashboards.picture.page import LARGEST_BYTES
from ops.stack.site import ROOT
from tests.dashboards.boards import FOLDER, read

PAGE = ROOT / "docs" / "dashboards.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
PICTURE = re.compile(r"!\[([^]]+)\]\(([^)]+)\)")
# Between single stars; bold has two of them.
NAME = re.compile(r"(?<![*\w])\*([^*\n]+(?:\n[^*\n]+)?)\*(?![*\w])")
# Said by Grafana or by a panel, not the name of one.
SAID = {
    "Open the trace",
    "no traffic",
    "nothing is firing",
    "no GPU is measured",
    "Metrics",
    "Questions slower than this",
}


def test_every_dashboard_has_a_section_in_the_order_of_the_table() -> None:
    titles = {board.raw["title"] for board in read()}
    sections = [title for title in SECTION.findall(TEXT) if title in titles]
    assert set(sections) == titles
    assert re.findall(r"^\| .+ \| \[(.+)\]\(#", TEXT, re.MULTILINE) == sections


def test_every_dashboard_that_can_be_drawn_has_its_picture_and_it_is_small() -> None:
    pictures = dict(PICTURE.findall(TEXT))
    assert pictures == {board.title: f"dashboards/{board.name}.png" for board in drawable(FOLDER) if board.can_be_drawn}
    sizes = {path: (PAGE.parent / path).stat().st_size for path in pictures.values()}
    assert all(0 < size <= LARGEST_BYTES for size in sizes.values()), sizes
    assert {path.name for path in (PAGE.parent / "dashboards").iterdir()} == {
        path.rpartition("/")[2] for path in pictures.values()
    }


def test_every_panel_that_is_named_is_there() -> None:
    boards = read()
    names = {panel.title for board in boards for panel in board.panels} | {board.raw["title"] for board in boards}
    names |= {str(variable.get("label")) for board in boards for variable in board.variables.values()}
    named = {" ".join(match.split()) for match in NAME.findall(TEXT)}
    assert named - names - SAID == set()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert target.startswith("http") or (PAGE.parent / target).exists(), target
