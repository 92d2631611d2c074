"""Writes the dashboards: `python -m dashboards`; `--check` says whether the files are what would be written.

Exit status: 0 done or up to date, 1 not up to date.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as d
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import cache, environments, gpu, model, overview, slow, telemetry, trace
from prometheus.thresholds import Thresholds, load

FOLDER = Path(__file__).parent / "json"
DASHBOARDS: Mapping[str, Callable[[Thresholds], d.Dashboard]] = {
    made.UID: made.build for made in (overview, model, slow, trace, cache, gpu, telemetry, environments)
}


def render(limits: Thresholds | None = None) -> dict[str, str]:
    """The text of every file by its name without `.json`."""
    limits = limits or load()
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {name: encoder.encode(build(limits).build()) + "\n" for name, build in DASHBOARDS.items()}


def main(words: Sequence[str], folder: Path = FOLDER) -> int:
    """Write, or with `--check` compare."""
    made = render()
    old = {path.stem for path in folder.glob("*.json")}
    stale = [name for name, content in made.items() if _content(folder / f"{name}.json") != content]
    stale += sorted(old - set(made))
    if "--check" in words:
        for name in stale:
            print(f"dashboards/json/{name}.json is not what the code says; run `make dashboards`")
        return 1 if stale else 0
    for name in sorted(old - set(made)):
        (folder / f"{name}.json").unlink()
    for name, content in made.items():
        # Beside it and renamed: Grafana looks at the folder all the time.
        beside = folder / f".{name}.new"
        beside.write_text(content)
        beside.rename(folder / f"{name}.json")
    print(f"{len(made)} dashboards, {len(stale)} changed")
    return 0


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
