"""`python -m tests.bench.compare_quality`: how often `emini-rag compare` is right, simulated and with real instances.

Real comparisons are counted as they end, so an interrupted run has its figures too. With --write what was counted
becomes `docs/evaluation/compare.md`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.compare.findings import ALL
from ops.compare.verdict import Verdict
from service.routing.port import Tier
from tests.bench.compare_real import OTHER, SLOW, SLOWED, TIER, TWIN, Instances, over_ollama, paced, tier_median_s
from tests.bench.compare_simulated import World, compared

PAGE = Path(__file__).resolve().parents[2] / "docs/evaluation/compare.md"
ROUGH = {"noise": 0.25, "load": 0.4, "outliers": 0.05}
SLOWER = {TIER: 1 + SLOWED}
# What is compared, what the verdict should be, and how it differs.
WORLDS = {
    "two alike": (Verdict.NO_EVIDENCE, World()),
    "two alike, rough times": (Verdict.NO_EVIDENCE, World(**ROUGH)),
    "two alike, each slow for a while by itself": (Verdict.NO_EVIDENCE, World(alone=0.2)),
    "two alike, second three times as fast": (Verdict.NO_EVIDENCE, World(second=0.33)),
    "two alike, answers that never vary": (Verdict.NO_EVIDENCE, World(varied=0.0)),
    f"{TIER} 30 % slower": (Verdict.SLOWER, World(times=SLOWER)),
    f"{TIER} 30 % slower, each slow for a while by itself": (Verdict.SLOWER, World(times=SLOWER, alone=0.1)),
    f"{TIER} 30 % slower, rough times": (Verdict.SLOWER, World(times=SLOWER, **ROUGH)),
    "every tier 30 % faster": (Verdict.FASTER, World(times=dict.fromkeys(Tier, 1 / 1.3))),
    "every tenth question answered otherwise": (Verdict.DIFFERENT, World(other_answers=0.1)),
    "every fourth question answered otherwise": (Verdict.DIFFERENT, World(other_answers=0.25)),
    "one answer in ten fails": (Verdict.DIFFERENT, World(failing=0.1)),
}


@dataclass
class Tally:
    """Of one kind of comparison."""

    name: str
    expected: Verdict
    verdicts: dict[str, int] = field(default_factory=dict)
    right: int = 0

    def count(self, verdict: str, slower: tuple[str, ...], *, exact: bool = False) -> None:
        """`exact`: right only when the slower tier, and no other one, is named."""
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
        named = set(slower) - {ALL}
        self.right += verdict == self.expected and (not exact or named == {TIER.value})

    @property
    def row(self) -> str:
        whole = sum(self.verdicts.values())
        seen = ", ".join(f"{verdict} {number}" for verdict, number in sorted(self.verdicts.items()))
        return f"| {self.name} | {self.expected} | {whole} | {self.right} ({self.right / max(1, whole):.1%}) | {seen} |"


def simulated(times: int) -> Iterator[Tally]:
    """Each world so often, with seeds of its own."""
    for number, (name, (expected, world)) in enumerate(WORLDS.items()):
        tally = Tally(name, expected)
        for seed in range(times):
            judged = compared(world, 100_000 * (number + 1) + seed)
            tally.count(judged.verdict.value, judged.slower, exact=expected is Verdict.SLOWER)
        yield tally


def measured(instances: Instances, times: int, others: int, say: Callable[[str], object]) -> list[Tally]:
    """Twin and slowed candidates in turn, so that both meet the same load of the machine; then the other one."""
    tallies = {
        TWIN: Tally("two alike", Verdict.NO_EVIDENCE),
        SLOW: Tally(f"{TIER} {SLOWED:.0%} slower", Verdict.SLOWER),
        OTHER: Tally("one answers differently", Verdict.DIFFERENT),
    }
    order = [TWIN, SLOW] * times + [OTHER] * others
    for seed, candidate in enumerate(order):
        begun = time.monotonic()
        result = instances.compare(candidate, seed)
        judged: dict[str, Any] = result["judgement"]
        tallies[candidate].count(judged["verdict"], tuple(judged["slower"]), exact=candidate == SLOW)
        if candidate == TWIN:
            instances.slow_down(tier_median_s(result))
        say(f"{seed + 1} of {len(order)}: {candidate} {judged} in {time.monotonic() - begun:.0f} s")
    return list(tallies.values())


def main(arguments: list[str] | None = None) -> int:
    """Simulate, measure, print, write. The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare_quality", description=__doc__)
    parser.add_argument("--simulated", type=int, default=1000, help="comparisons of each simulated kind")
    parser.add_argument(
        "--paced", type=int, default=40, help="of real instances over a model server with a steady pace"
    )
    parser.add_argument("--ollama", type=int, default=3, help="of real instances over a real Ollama with tiny models")
    parser.add_argument("--keep", type=Path, help="an empty folder, to keep what was measured")
    parser.add_argument("--write", action="store_true", help=f"write docs/evaluation/{PAGE.name}")
    wish = parser.parse_args(arguments)
    parts = []
    if wish.simulated:
        parts.append(_table("Simulated", list(simulated(wish.simulated))))
    for name, times, start in (
        ("Real instances, model server with a steady pace", wish.paced, paced),
        ("Real instances, Ollama with tiny models", wish.ollama, over_ollama),
    ):
        if times:
            parts.append(_table(name, _measured_in(start, times, wish.keep)))
    page = "\n".join(
        ["# How often `emini-rag compare` is right\n", "`make compare-quality` writes this page.\n", *parts]
    )
    print(page)
    if wish.write:
        PAGE.write_text(page, encoding="utf-8")
    return 0


def _measured_in(
    start: Callable[[Path], AbstractContextManager[Instances]], times: int, keep: Path | None
) -> list[Tally]:
    with tempfile.TemporaryDirectory(prefix="compare-") as folder, start(keep or Path(folder)) as instances:
        return measured(instances, times, max(1, times // 4), lambda line: print(line, file=sys.stderr, flush=True))


def _table(name: str, tallies: list[Tally]) -> str:
    head = "| compared | right is | comparisons | right | verdicts |\n|---|---|---:|---:|---|"
    return "\n".join([f"## {name}\n", head, *(tally.row for tally in tallies), ""])


if __name__ == "__main__":
    sys.exit(main())
