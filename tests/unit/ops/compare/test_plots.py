"""Drawings: well-formed, in their frame, and told in words."""

import re
from itertools import pairwise
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from ops.compare import plots
from ops.compare.times import Ratio

ROWS = [("simple", Ratio(1.3, 1.2, 1.4)), ("<all> & more", Ratio(0.2, 0.1, 5.0))]
TIMES = np.array([0.1, 0.2, 0.3, 10.0])
DRAWINGS = {
    "ratios": plots.ratios(ROWS, 0.1),
    "distributions": plots.distributions("tier <simple>", TIMES, TIMES * 1.3),
    "one time": plots.distributions("tier simple", np.array([1.0]), np.array([1.0])),
    "bars": plots.bars("Tier <simple>", [("generate", 1.0, 1.3), ("retrieve", 0.0, 0.0)]),
    "nothing long": plots.bars("Tier simple", [("retrieve", 0.0, 0.0)]),
    "no bars": plots.bars("Tier simple", []),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_it_is_well_formed_inside_its_frame_and_told_in_words(name: str) -> None:
    root = Xml.fromstring(DRAWINGS[name])
    assert root.get("role") == "img"
    assert root.get("aria-label") == root[0].text
    _, _, width, height = map(float, str(root.get("viewBox")).split())
    for element in root.iter():
        for x in ("x", "x1", "x2", "cx"):
            assert -1 <= float(element.get(x, 0)) <= width, (name, element.attrib)
        for y in ("y", "y1", "y2", "cy"):
            assert -1 <= float(element.get(y, 0)) <= height, (name, element.attrib)


def test_words_hold_every_figure() -> None:
    assert "simple 1.30, from 1.20 to 1.40" in DRAWINGS["ratios"]
    assert "generate 1.00 s and 1.30 s" in DRAWINGS["bars"]


def test_half_and_double_are_as_far_from_one() -> None:
    drawn = plots.ratios([("a", Ratio(0.5, 0.5, 0.5)), ("b", Ratio(2.0, 2.0, 2.0))], 0.1)
    half, double = (float(x) for x in re.findall(r'<circle class="dot" cx="([\d.]+)"', drawn))
    one = float(re.findall(r'<line class="one" x1="([\d.]+)"', drawn)[0])
    assert half < one < double
    assert one == pytest.approx((half + double) / 2, abs=0.2)


def test_labels_of_the_axis_do_not_meet() -> None:
    marks = [
        float(x) for x in re.findall(r'class="dim" x="([\d.]+)" y="[\d.]+" text-anchor="middle"', DRAWINGS["ratios"])
    ]
    assert all(later - earlier >= 44 for earlier, later in pairwise(marks))


def test_a_share_rises_from_none_to_all() -> None:
    points = re.findall(r'<polyline class="base" points="([^"]*)"', DRAWINGS["distributions"])[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == pytest.approx(24.0)


def test_no_rows_are_no_drawing() -> None:
    assert plots.ratios([], 0.1) == ""
