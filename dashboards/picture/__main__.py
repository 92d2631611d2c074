"""Pictures of the dashboards from a running Prometheus: `python -m dashboards.picture --prometheus URL --out FOLDER`.

Exit status: 0 done, 1 Prometheus is away or refused a query.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from dashboards.__main__ import FOLDER
from dashboards.picture.answers import Asker
from dashboards.picture.board import read, seconds
from dashboards.picture.prometheus import Prometheus, Refused
from dashboards.picture.sheet import drawn
from dashboards.picture.variables import resolved
from dashboards.picture.window import Window


def draw_all(
    sources: Mapping[str, Prometheus], window: Window, out: Path, wanted: Mapping[str, str], only: Sequence[str] = ()
) -> list[Path]:
    """Write a PNG for each dashboard that can be drawn (`only`: of these); where they are."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for board in read(FOLDER):
        if not board.can_be_drawn or (only and board.name not in only):
            continue

        def values(selector: str, label: str) -> Sequence[str]:
            return sources["datasource"].label_values(selector, label, window.start_s, window.end_s)

        asker = Asker(sources, resolved(board, wanted, values), window)
        path = out / f"{board.name}.png"
        drawn(board, asker).save(path)
        made.append(path)
    return made


def main(words: Sequence[str]) -> int:
    """Ask, draw, write."""
    given = _arguments().parse_args(words)
    end_s = time.time()
    window = Window(end_s - seconds(given.last), end_s, seconds(given.scrape))
    with httpx.Client(trust_env=False) as client:
        first = Prometheus(given.prometheus, client)
        sources = {"datasource": first, "other": Prometheus(given.other, client) if given.other else first}
        try:
            made = draw_all(sources, window, given.out, dict(one.split("=", 1) for one in given.set), given.only)
        except (Refused, httpx.HTTPError) as error:
            sys.stderr.write(f"no picture: {error}. Is Prometheus at {given.prometheus}?\n")
            return 1
    for path in made:
        sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards.picture", description=__doc__)
    parser.add_argument("--prometheus", required=True, help="its address, such as http://127.0.0.1:9090")
    parser.add_argument("--other", default="", help="address of development's Prometheus, for Dev beside prod")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--last", default="15m", help="how much time is shown, up to now (default: 15m)")
    parser.add_argument("--scrape", default="15s", help="scrape interval, as the data source is told (default: 15s)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable, as chosen above")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this dashboard only")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
