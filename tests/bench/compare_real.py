"""Comparisons of real instances, again and again: services as processes, each comparison the command itself.

`twin` is the baseline once more; `slowed` has a tier that is slower by a share of what it takes, by a proxy before its
model server; `other` answers differently. The model server is a real Ollama with tiny models, or one with a steady
pace, so that many comparisons of the default size fit into minutes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.components.find import find, missing
from ops.stack.process import ComponentFailed, wait_until
from service.routing.port import Tier
from tests.bench.processes import helper
from tests.bench.slow_proxy import SlowProxy
from tests.components.ollama import RunningOllama
from tests.components.service import ROOT, RunningService

SLOWED = 0.3
TIER = Tier.MEDIUM
TIER_MODEL = "llama3.1:latest"
TWIN, SLOW, OTHER = "twin", "slowed", "other"
_LONGEST_S = 1200.0
_EMBEDDED_S = 240.0
_RATE = "100"
# Of the model server with a steady pace.
_TOKENS, _TOKEN_S, _OTHER_TOKENS = 12, 0.025, 9


@dataclass
class Instances:
    """The baseline and what it is compared with, by name; what slows one of them down."""

    baseline: RunningService
    candidates: dict[str, RunningService]
    proxy: SlowProxy
    folder: Path
    options: list[str]
    runs: int = field(default=0)

    def compare(self, candidate: str, seed: int, *more: str) -> dict[str, Any]:
        """One comparison, with `more` options: its result as JSON, with `exit_code`."""
        self.runs += 1
        out = self.folder / f"comparison-{self.runs}"
        urls = ["--baseline", self.baseline.url, "--candidate", self.candidates[candidate].url]
        command = [sys.executable, "-m", "service.cli.main", "compare", *urls, "--json", "--out", str(out)]
        done = subprocess.run(
            [*command, "--rate", _RATE, "--seed", str(seed), *self.options, *more],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={"PATH": "", "HOME": str(self.folder), "PYTHONPATH": str(ROOT), "ENVIRONMENT": "development"},
            timeout=_LONGEST_S,
            check=False,
        )
        if not done.stdout.startswith("{"):
            raise ComponentFailed(f"no result, exit code {done.returncode}: {done.stderr[-2000:]}")
        return json.loads(done.stdout) | {"exit_code": done.returncode}

    def slow_down(self, usual_s: float, share: float = SLOWED) -> None:
        """Make the tier of `slowed` slower by a share of `usual_s`, what the tier takes."""
        self.proxy.delays_s = {TIER_MODEL: share * usual_s}


@contextmanager
def paced(folder: Path) -> Iterator[Instances]:
    """Over a model server that writes at a steady pace; `other` has one that says less, in the same time."""
    with ExitStack() as running:
        ollama, terse = (running.enter_context(helper("model_server", folder)) for _ in range(2))
        ollama.control("/bench/set", {"tokens": _TOKENS, "token_s": _TOKEN_S})
        terse.control("/bench/set", {"tokens": _OTHER_TOKENS, "token_s": _TOKEN_S * _TOKENS / _OTHER_TOKENS})
        yield _instances(running, folder, ollama.url, {}, ["--askers", "8"], terse.url)


@contextmanager
def over_ollama(folder: Path) -> Iterator[Instances]:
    """Over one real Ollama that all share; `other` answers from fewer passages. Prompts and answers are short, because
    the machine may have no GPU."""
    program = find("ollama")
    if program is None:
        raise ComponentFailed(missing("ollama"))
    with ExitStack() as running:
        ollama = running.enter_context(RunningOllama(program, folder / "ollama"))
        yield _instances(running, folder, ollama.url, {"RAG_RETRIEVAL__TOP_K": "1"}, ["--max-tokens", "8"])


def _instances(
    running: ExitStack, folder: Path, url: str, other: dict[str, str], options: list[str], other_url: str = ""
) -> Instances:
    """Started, with their documents in and embedded. Each has a proxy of its own, so that all go the same way."""
    proxies: dict[str, SlowProxy] = {}

    def service(name: str, upstream: str = url, **settings: str) -> RunningService:
        proxies[name] = running.enter_context(SlowProxy(upstream))
        common = {"RAG_OLLAMA__URL": proxies[name].url, "RAG_RETRIEVAL__TOP_K": "2", "RAG_ADMISSION__SLOTS": "8"}
        environment = {"ENVIRONMENT": "development", **common, **settings}
        started = running.enter_context(RunningService(folder / name, environment))
        wait_until(started.embedded, _EMBEDDED_S, f"documents of {name} embedded")
        return started

    baseline = service("baseline")
    candidates = {TWIN: service(TWIN), SLOW: service(SLOW), OTHER: service(OTHER, other_url or url, **other)}
    return Instances(baseline, candidates, proxies[SLOW], folder, options)


def tier_median_s(result: dict[str, Any]) -> float:
    """What the baseline's answers of the tier took."""
    return next(float(one["baseline_median_s"]) for one in result["findings"]["tiers"] if one["tier"] == TIER)
