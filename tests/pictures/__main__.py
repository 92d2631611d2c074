"""Makes the pictures of docs/dashboards.md: `python -m tests.pictures [--minutes 4]`, `make pictures`.

It starts an installation with the real components and tiny models, lets people ask for some minutes, and draws every
dashboard from its own JSON and what its queries answer. Not Grafana: the captions say so.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import matplotlib as mpl
from PIL import Image

from ops.components.find import find, missing
from tests.components.dashboard_queries import values_of
from tests.components.installation import Installation, installed
from tests.components.ollama import CHAT_MODELS, RunningOllama
from tests.dashboards.boards import Board, Target, read
from tests.dashboards.promql import filled
from tests.e2e.dashboard_load import ENOUGH, drive
from tests.pictures.asking import Line, lines
from tests.pictures.drawing import draw

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of what draws

OUT = Path(__file__).resolve().parents[2] / "docs" / "dashboards"
CHOSEN = {"environment": "production", "cache": "miss"}
COLUMNS, WIDTH_IN, ROW_IN, DPI = 24, 14.0, 0.34, 82
COLORS = 64


def main(words: list[str]) -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=4.0, help="how long people ask")
    given = parser.parse_args(words)
    program = find("ollama")
    if program is None:
        sys.exit(missing("ollama"))
    OUT.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningOllama(program, Path(folder) / "ollama") as ollama,
        installed(Path(folder) / "installation", ollama) as installation,
    ):
        begun = time.monotonic()
        use(installation, ollama, 60 * given.minutes)
        for board in read():
            picture(board, installation.prometheus.url, time.monotonic() - begun)
            print(f"docs/dashboards/{board.name}.png")
    return 0


def use(installation: Installation, ollama: RunningOllama, seconds: float) -> None:
    """Everything once, then questions at a changing pace until time is over."""
    drive(installation, ollama)
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        model = CHAT_MODELS[number % len(CHAT_MODELS)] if number % 3 else "auto"
        installation.service.ask(f"What is a spread in contract {number % (3 * ENOUGH)}?", model=model)
        if number % 40 == 0:
            ollama.unload(CHAT_MODELS[number // 40 % len(CHAT_MODELS)])
        time.sleep(0.05 + 0.2 * (number % 60 > 40))


def picture(board: Board, url: str, since_s: float) -> None:
    """One dashboard as a PNG."""
    panels = board.panels
    height = max(panel.raw["gridPos"]["y"] + panel.raw["gridPos"]["h"] for panel in panels)
    figure = plt.figure(figsize=(WIDTH_IN, ROW_IN * height + 0.5), dpi=DPI, facecolor="#111217")
    figure.text(0.01, 1 - 0.18 / (ROW_IN * height + 0.5), board.raw["title"], fontsize=11, color="#d8d9da", va="top")
    for panel in panels:
        place = panel.raw["gridPos"]
        top = 1 - (place["y"] * ROW_IN + 0.5) / (ROW_IN * height + 0.5)
        tall = place["h"] * ROW_IN / (ROW_IN * height + 0.5)
        if panel.kind == "row":
            figure.text(0.01, top - tall * 0.6, f"▾ {panel.title}", fontsize=8, color="#8e8e8e", va="center")
            continue
        left, wide = place["x"] / COLUMNS, place["w"] / COLUMNS
        box = (left + 0.035, top - tall * 0.78, wide - 0.05, tall * 0.62)
        axes = figure.add_axes(box, facecolor="#181b1f")
        title = filled(panel.title, values_of(board, CHOSEN))
        draw(axes, panel, title, [asked(url, board, target, since_s) for target in panel.targets])
    file = OUT / f"{board.name}.png"
    figure.savefig(file, facecolor=figure.get_facecolor())
    plt.close(figure)
    with Image.open(file) as image:
        image.convert("RGB").quantize(COLORS).save(file, optimize=True)


def asked(url: str, board: Board, target: Target, since_s: float) -> list[Line]:
    """Searches of traces have no answer here."""
    return lines(url, board, target, CHOSEN, since_s) if target.source["type"] == "prometheus" else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
