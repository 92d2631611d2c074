"""A comparison from Prometheus alone: nothing is asked of the services, and less can be said."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ops.compare import plots
from ops.compare.account import MOODS
from ops.compare.blocks import LEAST_BLOCKS, Block, TierHistory, tier_history
from ops.compare.document import Document, Grid, Section
from ops.compare.files import Folder
from ops.compare.measured import Side
from ops.compare.phrases import chance, listed, ratio
from ops.compare.ranks import holm
from ops.compare.recorded import Recorded, Span, Totals, selector
from ops.compare.session import Compared
from ops.compare.verdict import EXIT_CODES, TOO_LITTLE, Floor, Verdict
from service.cli.failures import USAGE, Failure
from service.cli.surroundings import Surroundings
from service.cli.wording import moment, seconds, span_s

ALPHA = 0.05
_MOST_BLOCKS = 24
# Several scrapes fall into a block, or its counts mean nothing.
_LEAST_BLOCK_S = 60.0
_SEED = 1
_LIMITS = (
    "The two were asked different questions, perhaps at different times and under different load: a difference here is "
    "a reason to look, not a proof of what caused it. "
    "`emini-rag compare` without --from-metrics asks both the same.",
    "Counted are answers that were made (not from the cache) by a model that was loaded. Counts are Prometheus' "
    "estimates between scrapes; a series' first value after a start is not seen. "
    "Medians are interpolated within buckets that are 1.4 times as wide as the one before.",
    "Compared are blocks of time, not answers, since answers of the same minutes depend on each other. Load that lasts "
    "longer than a block still can look like a difference when the two times are not the same. "
    "Nothing is known of texts and citations.",
)


def compare_history(
    here: Surroundings,
    url: str,
    wanted: Mapping[Side, str],
    window: str,
    ago: str | None,
    floor: Floor,
    target: Path,
) -> Compared:
    """The report, written into a new folder. Raises `Failure`."""
    which = {side: selector(text, f"--{side}") for side, text in wanted.items()}
    blocks = min(_MOST_BLOCKS, int(span_s(window) // _LEAST_BLOCK_S))
    if blocks < LEAST_BLOCKS:
        why = f"there must be {LEAST_BLOCKS} blocks of {seconds(_LEAST_BLOCK_S)}"
        raise Failure(f"{window} is too short", why, todo="Name a longer --window.", code=USAGE)
    recorded, end = Recorded(url), here.clock.time()
    candidate = Span(end, blocks, span_s(window) // blocks)
    spans = {
        Side.CANDIDATE: candidate,
        Side.BASELINE: Span(end - (span_s(ago) if ago else 0.0), blocks, candidate.block_s),
    }
    if which[Side.BASELINE] == which[Side.CANDIDATE] and not ago:
        here.note("Both are the same series at the same time.")
    tiers: dict[Side, dict[str, list[Block]]] = {}
    for side in Side:
        tiers[side] = recorded.tiers(which[side], spans[side])
        recorded.require(tiers[side], side, wanted[side], spans[side])
    rng = np.random.default_rng(_SEED)
    both = [tier for tier in tiers[Side.BASELINE] if tier in tiers[Side.CANDIDATE]]
    histories = [tier_history(t, tiers[Side.BASELINE][t], tiers[Side.CANDIDATE][t], rng) for t in sorted(both)]
    found = [one for one in histories if one is not None]
    totals = {side: recorded.totals(which[side], spans[side]) for side in Side}
    verdict, named, p = judge_history(found, floor)
    document = _document(found, totals, verdict, named, p, wanted, spans, floor)
    enough = any(one.enough for one in found)
    judgement: dict[str, Any] = {"verdict": verdict, "changed": named, "p": p, "floor": asdict(floor)}
    result = {
        "judgement": judgement,
        "tiers": [asdict(one) for one in found],
        "totals": {s: asdict(t) for s, t in totals.items()},
    }
    Folder(target).write(document, result)
    return Compared(document, result, EXIT_CODES[verdict] if enough else TOO_LITTLE)


def judge_history(found: list[TierHistory], floor: Floor) -> tuple[Verdict, dict[str, Verdict], dict[str, float]]:
    """The headline, the tiers that changed and how, and the corrected p of each that was judged."""
    p = holm({one.tier: one.p for one in found if one.enough})
    named: dict[str, Verdict] = {}
    for one in found:
        if one.enough and p[one.tier] <= ALPHA:
            side = floor.side_of(one.typical.value, one.medians_s[0])
            if side:
                named[one.tier] = Verdict.SLOWER if side > 0 else Verdict.FASTER
    if Verdict.SLOWER in named.values():
        return Verdict.SLOWER, named, p
    return (Verdict.FASTER if named else Verdict.NO_EVIDENCE), named, p


def _document(
    found: list[TierHistory],
    totals: Mapping[Side, Totals],
    verdict: Verdict,
    named: Mapping[str, Verdict],
    p: Mapping[str, float],
    wanted: Mapping[Side, str],
    spans: Mapping[Side, Span],
    floor: Floor,
) -> Document:
    summary = [
        f"Tier {one.tier} is {named[one.tier]}: a typical block's mean is {ratio(one.typical)} times the baseline's."
        for one in found
        if one.tier in named
    ]
    few = [one.tier for one in found if not one.enough]
    if few:
        summary.append(f"Too few blocks with answers (under {LEAST_BLOCKS}) to judge: {listed(few)}.")
    if not summary:
        summary.append(f"No change of {floor} or more was found in any tier.")
    where = tuple(
        (side.value, wanted[side], f"{moment(spans[side].end - spans[side].seconds)} to {moment(spans[side].end)}")
        for side in Side
    )
    blocks = f"{spans[Side.CANDIDATE].blocks} blocks of {seconds(spans[Side.CANDIDATE].block_s)}"
    return Document(
        title="Candidate against baseline, from Prometheus",
        verdict=verdict.value,
        mood=MOODS[verdict],
        summary=tuple(summary),
        sections=(
            _times(found, named, p, floor),
            _whole(totals),
            Section("What was compared", (blocks,), Grid(("", "series", "time"), where, prose=True)),
            Section("What this cannot say", _LIMITS),
        ),
    )


def _times(found: list[TierHistory], named: Mapping[str, Verdict], p: Mapping[str, float], floor: Floor) -> Section:
    rows = tuple(
        (
            one.tier,
            f"{one.answers[0]} / {one.answers[1]}",
            f"{one.blocks[0]} / {one.blocks[1]}",
            f"{seconds(one.means_s[0])} / {seconds(one.means_s[1])}",
            f"{seconds(one.medians_s[0])} / {seconds(one.medians_s[1])}",
            ratio(one.means),
            ratio(one.medians),
            ratio(one.typical),
            chance(p.get(one.tier)),
            f"{one.above:.0%}",
            named.get(one.tier, Verdict.NO_EVIDENCE).value if one.enough else "too few",
        )
        for one in found
    )
    head = ("tier", "answers", "blocks", "means", "medians", "ratio of means", "ratio of medians", "typical block")
    drawing = plots.ratios([(one.tier, one.typical) for one in found], floor.share)
    grid = Grid((*head, "Mann-Whitney p", "candidate longer", "verdict"), rows)
    return Section(
        "Time to answer", ("Baseline / candidate.",), grid, (drawing,) if drawing else (), brief=(0, 1, 3, 7, 8, 10)
    )


def _whole(totals: Mapping[Side, Totals]) -> Section:
    b, c = totals[Side.BASELINE], totals[Side.CANDIDATE]
    made = [max(1.0, one.answered - one.hits) for one in (b, c)]
    rows = [
        ("questions", f"{b.asked:.0f}", f"{c.asked:.0f}"),
        ("failed or turned away", _part(b.failed, b.asked), _part(c.failed, c.asked)),
        ("answered from the cache", _part(b.hits, b.answered), _part(c.hits, c.answered)),
        ("with a model that had to be loaded", _part(b.cold, b.asked), _part(c.cold, c.asked)),
        ("input tokens per answer made", f"{b.input_tokens / made[0]:.0f}", f"{c.input_tokens / made[1]:.0f}"),
        ("output tokens per answer made", f"{b.output_tokens / made[0]:.0f}", f"{c.output_tokens / made[1]:.0f}"),
    ]
    rows += [
        (f"stage {stage.replace('_', ' ')}, mean", seconds(b.stages_s.get(stage)), seconds(c.stages_s.get(stage)))
        for stage in dict.fromkeys([*b.stages_s, *c.stages_s])
    ]
    return Section("Everything that was asked", (), Grid(("", "baseline", "candidate"), tuple(rows)), brief=(0, 1, 2))


def _part(some: float, whole: float) -> str:
    return f"{some:.0f} ({some / whole:.1%})" if whole else "-"
