"""The pictures of the documentation, from live data: production and development on this machine, some minutes of
people, and three things that go wrong. `python -m tests.e2e.dashboard_pictures [MINUTES]`, needs the components."""

import sys
import tempfile
import time
from pathlib import Path

from dashboards.picture.__main__ import main as draw
from ops.components.find import find, missing
from ops.stack.site import ROOT
from tests.components.installation import NEEDED, Installation, installed
from tests.components.ollama import CHAT_MODELS, RunningOllama
from tests.e2e.dashboard_load import flood
from tests.e2e.dashboard_traffic import Visitors

MINUTES = 7.0
OUT = ROOT / "docs" / "dashboards"
AWAY_S = 15.0
FLOOD, WAVES = 40, 4


def main(minutes: float) -> int:
    """Drive both, then draw. Exit status: 0 done, 1 a component is missing or Prometheus refused a query."""
    programs = {name: find(name) for name in ("ollama", *NEEDED)}
    ollama_program = programs["ollama"]
    if ollama_program is None or None in programs.values():
        sys.stderr.write("".join(f"{missing(name)}\n" for name, program in programs.items() if program is None))
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        RunningOllama(ollama_program, Path(folder) / "ollama") as ollama,
        installed(Path(folder) / "production", ollama) as production,
        installed(Path(folder) / "development", ollama, "development") as development,
    ):
        with Visitors(production.service.url, 4, 0.8, seed=1), Visitors(development.service.url, 1, 0.5, seed=2):
            go_wrong(production, ollama, minutes * 60)
        sources = ["--prometheus", production.prometheus.url, "--other", development.prometheus.url]
        return draw([*sources, "--last", f"{minutes:.0f}m", "--scrape", "5s", "--out", str(OUT)])


def go_wrong(production: Installation, ollama: RunningOllama, length_s: float) -> None:
    """Over `length_s`: models are pushed out of memory, then too many come at once, then Ollama is away."""
    began_s = time.monotonic()

    def until(share: float) -> None:
        time.sleep(max(0.0, began_s + share * length_s - time.monotonic()))

    until(0.35)
    for share in (0.37, 0.39, 0.41, 0.43, 0.45):
        for model in CHAT_MODELS[:2]:
            ollama.unload(model)
        until(share)
    until(0.6)
    for wave in range(WAVES):
        flood(
            production.service.url, (f"What is a limit order, asked for the {wave}.{n}th time?" for n in range(FLOOD))
        )
    until(0.8)
    ollama.kill()
    time.sleep(AWAY_S)
    ollama.start()
    until(1.0)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else MINUTES))
