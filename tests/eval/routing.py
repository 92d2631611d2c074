"""Evaluation of the routing policies on the labelled prompts: `python -m tests.eval.routing [--accept]`.

Prints the table, and writes `docs/evaluation/routing.json` and `.md` when the quality figures differ from those
committed (times alone never rewrite them). Exit code 1, and nothing written, when the macro-F1 of a policy on the
test split fell more than 0.02 below the committed one; `--accept` writes all the same.

Labels say what the question demands: simple = one fact or definition; medium = one concept explained; complex =
comparison, analysis, several steps, or code; research = a synthesis of many parts. `code` means that the answer has to
read, write or mend code. Weights and word lists may be changed after looking at the dev split only.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.routing.policy import Policy, SeedPolicy
from service.routing.port import Tier
from service.routing.scored import ScoredPolicy
from tests.eval.routing_measures import Prompt, decision_times_us, gain_interval, judge, stability, summary

PROMPTS = Path(__file__).with_name("prompts.jsonl")
RESULTS = Path(__file__).resolve().parents[2] / "docs" / "evaluation"
TOLERATED_DROP = 0.02
SPLITS = ("dev", "test")
POLICIES: tuple[Policy, ...] = (SeedPolicy(), ScoredPolicy())


def load_prompts(path: Path = PROMPTS) -> list[Prompt]:
    """Every labelled prompt; raises on a malformed line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Prompt(**{**row, "tier": Tier(row["tier"])}) for row in rows]


def evaluate(prompts: Sequence[Prompt]) -> dict[str, Any]:
    """Quality of both policies on both splits; the same on every machine."""
    judged = {
        (policy.name, split): judge(policy, [prompt for prompt in prompts if prompt.split == split])
        for policy in POLICIES
        for split in SPLITS
    }
    return {
        "prompts": len(prompts),
        "policies": {
            policy.name: {
                **{split: summary(judged[policy.name, split]) for split in SPLITS},
                "stability": stability(policy, prompts),
            }
            for policy in POLICIES
        },
        "gain_on_test_95": list(gain_interval(judged["scored", "test"], judged["seed", "test"])),
    }


def regressions(committed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What got worse by more than is tolerated, in words."""
    worse = []
    for name, figures in committed.get("policies", {}).items():
        before, after = figures["test"]["macro_f1"], now["policies"][name]["test"]["macro_f1"]
        if before - after > TOLERATED_DROP:
            worse.append(f"{name}: macro-F1 on the test split fell from {before:.3f} to {after:.3f}")
    return worse


def render(quality: Mapping[str, Any], times_us: Mapping[str, tuple[float, float]]) -> str:
    """The Markdown page."""
    low, high = quality["gain_on_test_95"]
    lines = [
        "# Routing: how well the tier is chosen",
        "",
        "Written by `python -m tests.eval.routing`; do not edit.",
        "",
        f"{quality['prompts']} labelled prompts (`tests/eval/prompts.jsonl`): four tiers, English and German, short, "
        "long, paraphrased and adversarial, with and without code; halved into dev and test by group, so that "
        "paraphrases stay together. The scored policy was tuned on dev alone. Prompts and word lists have the same "
        "authors, so real traffic will score lower than these figures; compare the policies, not the numbers with "
        "other projects. The labels say what the question demands, which is not what the seed's rules measure.",
        "",
        *_overview(quality),
        "",
        f"Gain of `scored` over `seed` on test: 95 % interval {low:+.3f} to {high:+.3f} macro-F1 "
        "(bootstrap over groups).",
        "",
        *_stability(quality),
        "",
        "| policy | p50, us | p99, us |",
        "|---|---|---|",
        *(f"| {name} | {p50:.0f} | {p99:.0f} |" for name, (p50, p99) in times_us.items()),
        "",
        "Decision times as measured when the quality figures last changed; they depend on the machine.",
        *_matrices(quality),
    ]
    return "\n".join(lines) + "\n"


def _overview(quality: Mapping[str, Any]) -> list[str]:
    columns = ("macro_f1", "accuracy", "under_routed", "over_routed", "two_tiers_off", "code_recall", "code_precision")
    lines = [
        f"| policy | split | {' | '.join(column.replace('_', ' ') for column in columns)} |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for name, figures in quality["policies"].items():
        lines += [
            f"| {name} | {split} | {' | '.join(f'{figures[split][column]:.3f}' for column in columns)} |"
            for split in SPLITS
        ]
    return lines


def _stability(quality: Mapping[str, Any]) -> list[str]:
    variants = list(quality["policies"]["seed"]["stability"])
    return [
        f"| same tier under | {' | '.join(variants)} |",
        "|---" * (len(variants) + 1) + "|",
        *(
            f"| {name} | {' | '.join(f'{value:.3f}' for value in figures['stability'].values())} |"
            for name, figures in quality["policies"].items()
        ),
    ]


def _matrices(quality: Mapping[str, Any]) -> list[str]:
    tiers = [tier.value for tier in Tier]
    lines: list[str] = []
    for name, figures in quality["policies"].items():
        for split in SPLITS:
            lines += ["", f"## {name}, {split}: label (rows) by decision (columns)", ""]
            lines += [f"| | {' | '.join(tiers)} |", "|---" * (len(tiers) + 1) + "|"]
            matrix = figures[split]["confusion"]
            lines += [f"| {tier} | {' | '.join(map(str, row))} |" for tier, row in zip(tiers, matrix, strict=True)]
            by = figures[split]["accuracy_by"]
            parts = [f"{value} {score:.2f}" for aspect in by.values() for value, score in aspect.items()]
            lines += ["", f"Accuracy: {', '.join(parts)}."]
    return lines


def main(arguments: Sequence[str] = (), results: Path = RESULTS) -> int:
    """Measure, print, compare, write. The exit code."""
    prompts = load_prompts()
    quality = evaluate(prompts)
    times_us = {policy.name: decision_times_us(policy, [prompt.text for prompt in prompts]) for policy in POLICIES}
    page = render(quality, times_us)
    print(page)
    target = results / "routing.json"
    committed = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    worse = regressions(committed, quality)
    for line in worse:
        print(f"REGRESSION {line}")
    if worse and "--accept" not in arguments:
        return 1
    if {**committed, "times_us": None} != {**quality, "times_us": None}:
        results.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({**quality, "times_us": times_us}, indent=1) + "\n", encoding="utf-8")
        target.with_suffix(".md").write_text(page, encoding="utf-8")
        print(f"wrote {target} and its .md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
