"""A page in pixels from its upper left corner: boxes, texts that fit, axes, and a small file in the end."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from PIL import Image

from dashboards.picture import colors

# At so many dots per inch a point is a pixel.
_DPI = 72
# From good to small: pixels of the file for each of the page, how many colours it may have, and how far these are apart
# (of 255). The first that is small enough for a page of documentation is taken.
_QUALITIES = ((1.25, 255, 10), (1.25, 128, 16), (1.1, 128, 16), (1.0, 128, 16), (1.0, 64, 24), (0.9, 32, 40))
LARGEST_BYTES = 150_000
SMALL, USUAL = 11.0, 12.5


@dataclass(frozen=True)
class Box:
    """A part of the page."""

    x: float
    y: float
    w: float
    h: float

    def within(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        """What is left after margins."""
        return Box(self.x + left, self.y + top, self.w - left - right, self.h - top - bottom)


class Page:
    """Empty at first. Sizes of texts are in pixels."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=colors.BACKGROUND)
        self._renderer = RendererAgg(width, height, _DPI)  # type: ignore[no-untyped-call]
        self._drawn = 0

    def width_of(self, text: str, size: float = SMALL, *, bold: bool = False) -> float:
        """Of a text that is drawn so."""
        font = FontProperties(size=size, weight="bold" if bold else "normal")
        size_of = self._renderer.get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
        return float(size_of[0])

    def fitting(self, text: str, width: float, size: float = SMALL, *, bold: bool = False) -> str:
        """The text, or its beginning and dots."""
        if self.width_of(text, size, bold=bold) <= width:
            return text
        while text and self.width_of(text + "…", size, bold=bold) > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SMALL,
        color: str = colors.TEXT,
        bold: bool = False,
        side: str = "left",
    ) -> None:
        """Around the middle `y`; `x` is its left side, its right side or its center."""
        weight = "bold" if bold else "normal"
        self._figure.text(
            x / self.width,
            1 - y / self.height,
            text,
            parse_math=False,
            fontsize=size,
            color=color,
            weight=weight,
            ha=side,
            va="center_baseline",
            zorder=self._next(),
        )

    def box(self, box: Box, color: str, *, border: str = "none", opacity: float = 1.0) -> None:
        """A filled rectangle."""
        left, bottom = box.x / self.width, 1 - (box.y + box.h) / self.height
        self._figure.add_artist(
            Rectangle(
                (left, bottom),
                box.w / self.width,
                box.h / self.height,
                facecolor=color,
                edgecolor=border,
                alpha=opacity,
                linewidth=1,
                transform=self._figure.transFigure,
                zorder=self._next(),
            )
        )

    def line(
        self, x: float, y: float, to_x: float, to_y: float, color: str, width: float = 1, *, dashed: bool = False
    ) -> None:
        """A straight line."""
        self._figure.add_artist(
            Line2D(
                [x / self.width, to_x / self.width],
                [1 - y / self.height, 1 - to_y / self.height],
                color=color,
                linewidth=width,
                linestyle="--" if dashed else "-",
                transform=self._figure.transFigure,
                zorder=self._next(),
            )
        )

    def triangle(self, x: float, y: float, color: str) -> None:
        """A small one that points down: an open row."""
        points = [(x, y - 2), (x + 8, y - 2), (x + 4, y + 3)]
        corners = [(left / self.width, 1 - top / self.height) for left, top in points]
        triangle = Polygon(corners, facecolor=color, transform=self._figure.transFigure, zorder=self._next())
        self._figure.add_artist(triangle)

    def axes(self, box: Box) -> Axes:
        """Bare axes that fill a box."""
        place = (box.x / self.width, 1 - (box.y + box.h) / self.height, box.w / self.width, box.h / self.height)
        made = self._figure.add_axes(place)
        made.set_zorder(self._next())
        made.set_facecolor("none")
        made.set_xticks([])
        made.set_yticks([])
        for spine in made.spines.values():
            spine.set_visible(False)
        return made

    def _next(self) -> int:
        """What is drawn later lies above."""
        self._drawn += 1
        return self._drawn

    def save(self, path: Path) -> None:
        """As a PNG, as good as leaves it small enough. The file is the same for the same page."""
        for sharpness, count, apart in _QUALITIES:
            made = io.BytesIO()
            _in_few_colors(self._image(sharpness), count, apart).save(made, format="PNG", optimize=True)
            if made.tell() <= LARGEST_BYTES:
                break
        path.write_bytes(made.getvalue())

    def _image(self, sharpness: float) -> Image.Image:
        drawn = io.BytesIO()
        self._figure.savefig(drawn, format="png", dpi=_DPI * sharpness, facecolor=colors.BACKGROUND)
        with Image.open(drawn) as image:
            return image.convert("RGB")


def _in_few_colors(image: Image.Image, count: int, apart: int) -> Image.Image:
    """With the colours that most pixels have and that are told apart: areas keep theirs, and so do thin lines; those of
    soft edges become one of these. Pillow's own ways choose by number alone, in which a thin line loses its colour."""
    found = image.getcolors(image.width * image.height) or []
    often = np.array([color for _, color in sorted(found, key=lambda one: (-one[0], one[1]))], dtype=np.int32)
    chosen = np.array([_parts(color) for color in colors.THEME], dtype=np.int32)
    for color in often:
        if len(chosen) < count and np.abs(chosen - color).max(axis=1).min() >= apart:
            chosen = np.vstack([chosen, color])
    palette = Image.new("P", (1, 1))
    palette.putpalette([int(part) for part in chosen.flatten()])
    return image.quantize(palette=palette, dither=Image.Dither.NONE)


def _parts(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color.removeprefix("#")))
