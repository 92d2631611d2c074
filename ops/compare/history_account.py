"""From what Prometheus has recorded of two to a report. Pure."""

from collections.abc import Mapping, Sequence

from ops.compare import plots
from ops.compare.account import MOODS
from ops.compare.blocks import LEAST_BLOCKS, TierHistory
from ops.compare.document import Document, Grid, Section
from ops.compare.history_verdict import HistoryJudgement
from ops.compare.measured import Side
from ops.compare.phrases import chance, listed, ratio
from ops.compare.recorded import Span, Totals
from ops.compare.verdict import FAILURES, Verdict
from prometheus.thresholds import Ratios
from service.cli.wording import moment, seconds

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


def history_account(
    found: Sequence[TierHistory],
    totals: Mapping[Side, Totals],
    judged: HistoryJudgement,
    summary: tuple[str, ...],
    wanted: Mapping[Side, str],
    spans: Mapping[Side, Span],
) -> Document:
    where = tuple(
        (side.value, wanted[side], f"{moment(spans[side].end - spans[side].seconds)} to {moment(spans[side].end)}")
        for side in Side
    )
    span = spans[Side.CANDIDATE]
    blocks = f"{span.blocks} blocks of {seconds(span.block_s)}"
    return Document(
        title="Candidate against baseline, from Prometheus",
        verdict=judged.verdict.value,
        mood=MOODS[judged.verdict],
        summary=summary,
        subject=f"{wanted[Side.CANDIDATE]} against {wanted[Side.BASELINE]}: {blocks}, to {moment(span.end)}",
        sections=(
            _times(found, judged),
            _whole(totals, judged),
            Section("What was compared", (f"{blocks}.",), Grid(("", "series", "time"), where, prose=True)),
            Section("What this cannot say", _LIMITS),
        ),
    )


def history_summary(
    found: Sequence[TierHistory],
    totals: Mapping[Side, Totals],
    judged: HistoryJudgement,
    limits: Ratios,
    apart: Sequence[str],
) -> tuple[str, ...]:
    """What was found, in sentences. `apart` are tiers that one of the two has hardly answered in."""
    b, c = totals[Side.BASELINE], totals[Side.CANDIDATE]
    told = []
    if judged.failing:
        told.append(
            f"The candidate fails more: {_part(c.failed, c.asked)} of what it was asked, {_part(b.failed, b.asked)} of "
            "what the baseline was asked."
        )
    told += [
        f"Tier {one.tier} is {judged.changed[one.tier]}: a typical block's mean is {ratio(one.typical)} times the "
        "baseline's."
        for one in found
        if one.tier in judged.changed
    ]
    if not judged.enough:
        told.append("Too little was measured to say anything.")
    elif not told:
        told.append(f"No change of {judged.floor} or more was found in any tier.")
    few = [one.tier for one in found if not one.enough]
    if few:
        told.append(f"Too few blocks with answers (under {LEAST_BLOCKS}) to judge: {listed(few)}.")
    if apart:
        told.append(f"Answered by one of the two, and hardly by the other, so not compared: {listed(apart)}.")
    if abs(c.hit_share - b.hit_share) >= limits.points:
        told.append(
            f"From the cache came {b.hit_share:.0%} of the baseline's answers and {c.hit_share:.0%} of the "
            "candidate's; the times are of the others."
        )
    return tuple(told)


def _times(found: Sequence[TierHistory], judged: HistoryJudgement) -> Section:
    rows = tuple(
        (
            one.tier,
            judged.changed.get(one.tier, Verdict.NO_EVIDENCE).value if one.enough else "too few",
            f"{one.answers[0]} / {one.answers[1]}",
            f"{one.blocks[0]} / {one.blocks[1]}",
            ratio(one.typical),
            chance(judged.p.get(one.tier)),
            f"{seconds(one.medians_s[0])} / {seconds(one.medians_s[1])}",
            ratio(one.medians),
            f"{seconds(one.means_s[0])} / {seconds(one.means_s[1])}",
            ratio(one.means),
            f"{one.above:.0%}",
        )
        for one in found
    )
    head = ("tier", "verdict", "answers", "blocks", "typical block", "p", "medians", "ratio of medians")
    drawing = plots.ratios([(one.tier, one.typical) for one in found], judged.floor.share)
    grid = Grid((*head, "means", "ratio of means", "candidate longer"), rows)
    return Section(
        "Time to answer",
        (
            "Baseline / candidate; ratios are candidate over baseline, with intervals of 95 %. p is Mann-Whitney's "
            "over blocks, corrected for all that was tested.",
        ),
        grid,
        (drawing,) if drawing else (),
        brief=(0, 2, 8, 4, 5, 1),
    )


def _whole(totals: Mapping[Side, Totals], judged: HistoryJudgement) -> Section:
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
    sentence = f"That both fail equally often has p {chance(judged.p[FAILURES])}, corrected with the tiers."
    return Section(
        "Everything that was asked", (sentence,), Grid(("", "baseline", "candidate"), tuple(rows)), brief=(0, 1, 2)
    )


def _part(some: float, whole: float) -> str:
    return f"{some:.0f} ({some / whole:.1%})" if whole else "-"
