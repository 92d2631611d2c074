"""`python -m tests.rules.simulation [--quick | --page]`: the quality of RagModelLatencyRegression, measured.

A whole run (about a quarter of an hour on two cores) writes docs/alert-quality.json, .md and .svg; a quick one prints
its page only, so that the committed figures always come from one whole run. `--page` writes page and picture anew from
the figures that are there: after a change of their words.
"""

import argparse
import json
import sys
from pathlib import Path

from prometheus.thresholds import of_environment
from tests.rules.simulation.figures import Figures, bounds, figures
from tests.rules.simulation.measure import FULL, QUICK, measure
from tests.rules.simulation.page import PICTURE, render
from tests.rules.simulation.picture import draw

DOCS = Path(__file__).resolve().parents[3] / "docs"


def main(arguments: list[str] | None = None, docs: Path = DOCS) -> int:
    """Measure, print, write. The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.rules.simulation", description=__doc__)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--quick", action="store_true", help="a few runs, to see that it works; writes nothing")
    only.add_argument("--page", action="store_true", help="page and picture anew from alert-quality.json")
    wish = parser.parse_args(arguments)
    limits = of_environment("production")
    results = docs / "alert-quality.json"
    if wish.page:
        found: Figures = json.loads(results.read_text(encoding="utf-8"))
        if found["bounds"] != bounds(limits):
            print("thresholds.toml has other bounds than the figures: run `make alert-quality`")
            return 1
    else:
        plan = QUICK if wish.quick else FULL
        found = figures(measure(plan, limits, _say), plan, limits)
    page = render(found, limits)
    print(page)
    if wish.quick:
        return 0
    if not wish.page:
        results.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (docs / "alert-quality.md").write_text(page, encoding="utf-8")
    (docs / PICTURE).write_text(draw(found, limits), encoding="utf-8")
    print(f"wrote {docs}/alert-quality.json, .md and .svg")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
