"""Texts that fit, and files that stay small without losing a colour."""

from pathlib import Path

import numpy as np
from PIL import Image

from dashboards.picture.page import LARGEST_BYTES, Box, Page


def test_a_text_that_is_too_long_ends_with_dots() -> None:
    page = Page(400, 100)
    assert page.fitting("short", 200) == "short"
    cut = page.fitting("a title that is much too long for its panel", 100)
    assert cut.endswith("…")
    assert page.width_of(cut) <= 100
    assert page.width_of("bold", bold=True) > page.width_of("bold")


def test_margins_make_a_box_smaller() -> None:
    assert Box(10, 20, 100, 50).within(left=1, top=2, right=3, bottom=4) == Box(11, 22, 96, 44)


def test_a_thin_line_keeps_its_colour_among_many_shades(tmp_path: Path) -> None:
    page = Page(600, 300)
    for shade in range(250):
        page.box(Box(2 * shade, 0, 2, 200), f"#{shade:02x}{shade:02x}{255 - shade:02x}")
    page.line(20, 250, 60, 250, "#f2495c", 2)
    page.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        reds = {color for _, color in image.convert("RGB").getcolors(100_000) if color[0] > 220 and color[1] < 100}
    assert reds == {(0xF2, 0x49, 0x5C)}


def test_a_file_that_would_be_large_gets_fewer_colours(tmp_path: Path) -> None:
    page = Page(1000, 1000)
    noise = np.random.default_rng(1).normal(size=(8, 4000)).cumsum(axis=1)
    axes = page.axes(Box(0, 0, 1000, 1000))
    for line in noise:
        axes.plot(line)
    page.save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size <= LARGEST_BYTES
