"""`python -m tests.bench [--quick] [--only NAME,NAME]`: the cost of the service's own work.

A whole run writes `docs/performance.json` and `docs/performance.md`; a quick or partial one prints only, so that the
committed figures always come from one whole run. Nothing here fails because a bar is missed: the table says so.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

from tests.bench import cached, footprint, metrics_page, miss, retrieval, streaming
from tests.bench.figures import Row
from tests.bench.page import render, results_object
from tests.bench.plan import Plan

DOCS = Path(__file__).resolve().parents[2] / "docs"
MEASUREMENTS: dict[str, ModuleType] = {
    "cached": cached,
    "miss": miss,
    "streaming": streaming,
    "retrieval": retrieval,
    "metrics_page": metrics_page,
    "footprint": footprint,
}


def main(arguments: list[str] | None = None, docs: Path = DOCS) -> int:
    """Measure, print, write. The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds; writes nothing")
    parser.add_argument("--only", default="", help=f"some of {', '.join(MEASUREMENTS)}; writes nothing")
    parser.add_argument("--litellm", type=Path, help="program of the LiteLLM proxy, to compare streams with")
    wish = parser.parse_args(arguments)
    chosen = [name for name in wish.only.split(",") if name] or list(MEASUREMENTS)
    if unknown := set(chosen) - set(MEASUREMENTS):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    methods: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in chosen:
            part, began = MEASUREMENTS[name], time.monotonic()
            sys.stderr.write(f"{name}\n")
            rows += part.measure(Plan(Path(folder), wish.quick, wish.litellm))
            methods[part.GROUP] = part.METHOD
            sys.stderr.write(f"{name} took {time.monotonic() - began:.0f} s\n")
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "architecture": platform.machine()}
    page = render(rows, methods, machine)
    print(page)
    if wish.quick or wish.only:
        return 0
    results = json.dumps(results_object(rows, methods, machine), indent=1, ensure_ascii=False)
    (docs / "performance.json").write_text(results + "\n", encoding="utf-8")
    (docs / "performance.md").write_text(page, encoding="utf-8")
    print(f"wrote {docs / 'performance.json'} and performance.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
