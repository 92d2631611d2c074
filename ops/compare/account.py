"""From findings and judgement to the report of a replay. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ops.compare import plots
from ops.compare.document import Document, Grid, Section
from ops.compare.findings import ALL, Findings, TierTimes
from ops.compare.measured import Pair, Side
from ops.compare.phrases import chance, counted, listed, per_cent, ratio
from ops.compare.summary import summary
from ops.compare.times import Times
from ops.compare.verdict import FAILURES, SOURCES, TEXTS, Judgement, Verdict
from service.cli.wording import count, seconds

MOODS = {Verdict.FASTER: "good", Verdict.NO_EVIDENCE: "none", Verdict.SLOWER: "bad", Verdict.DIFFERENT: "bad"}
_EXAMPLES, _EXAMPLE_CHARS = 5, 600
# A stage is shown from this share of a tier's mean time on, in one of the two: less explains nothing.
_SHOWN = 0.01
_METHOD = (
    "Each question is asked of both, one right after the other; who is first is drawn by lot. p is the larger of two: "
    "what the lots say (Wilcoxon's signed ranks, exact under any load that meets both, because if both are alike the "
    "other order was as likely), and what groups of neighbouring pairs say (Student's t over their means), because one "
    "instance alone can be slow for a while. Tiers are tested together (Holm), and so are texts, sources and failures: "
    "3.5 % and 1.5 %, together at most one false alarm in twenty comparisons.",
    "A tier counts as changed when its test says so and its typical pair changed by at least the floor. The typical "
    "pair is the mean of the logarithms of the ratios, with the advantage of being second taken out and the outermost "
    "quarters drawn in to the middle half. Intervals hold 95 %. Mann-Whitney looks at all answers of a tier, relative "
    "to their question, without their pairing: how likely the candidate's is the longer one of any two, and p; it is "
    "shown beside and decides nothing.",
    "What it cannot say: other questions, other load than now, changes smaller than the intervals, and what befell one "
    "instance for as long as the comparison took. Stages are means of what each service reports; they explain a change "
    "and are not tested one by one.",
)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was compared, and how; `notes` are what a reader must know before believing anything."""

    baseline: str
    candidate: str
    source: str
    rounds: int
    seed: int
    cached: bool
    fields: str
    begun: str
    took_s: float
    warmed: int
    notes: tuple[str, ...] = ()


def account(
    conditions: Conditions, questions: Sequence[str], pairs: Sequence[Pair], found: Findings, judged: Judgement
) -> Document:
    """The whole report."""
    return Document(
        title="Candidate against baseline",
        verdict=judged.verdict.value,
        mood=MOODS[judged.verdict],
        summary=(*conditions.notes, *summary(found, judged, cached=conditions.cached)),
        subject=f"{conditions.candidate} against {conditions.baseline}: {count(found.pairs, 'pair')}, "
        f"{conditions.source}; {conditions.begun}",
        sections=tuple(
            section
            for section in (
                _times(found, judged, pairs),
                _stages(found, judged),
                _answers(found, judged),
                _examples(found, questions, pairs),
                _how(conditions, found),
                Section("How this was judged, and what it cannot say", _METHOD),
            )
            if section is not None
        ),
    )


def _times(found: Findings, judged: Judgement, pairs: Sequence[Pair]) -> Section:
    rows = tuple(
        (
            tier.tier,
            _word(tier, judged),
            str(tier.n),
            ratio(tier.typical),
            chance(judged.p.get(tier.tier)),
            f"{seconds(tier.baseline_median_s)} / {seconds(tier.candidate_median_s)}",
            ratio(tier.medians),
            f"{seconds(tier.baseline_mean_s)} / {seconds(tier.candidate_mean_s)}",
            ratio(tier.means),
            f"{tier.above:.0%}, {chance(tier.above_p)}",
        )
        for tier in found.tiers
    )
    head = ("tier", "verdict", "pairs", "typical pair", "p", "medians", "ratio of medians", "means", "ratio of means")
    whole = [pair for pair in pairs if pair.whole]
    curves = []
    for tier in found.tiers:
        if tier.tier != ALL:
            times = Times.of([pair for pair in whole if pair.both()[0].tier == tier.tier])
            curves.append(plots.distributions(f"tier {tier.tier}", times.baseline, times.candidate))
    lines = plots.ratios([(tier.tier, tier.typical) for tier in found.tiers], judged.floor.share)
    return Section(
        "Time to answer",
        (
            "Baseline / candidate; ratios are candidate over baseline, with intervals of 95 %. p is that of two like "
            "instances, corrected for all tiers that were tested.",
        ),
        Grid((*head, "Mann-Whitney"), rows),
        tuple(drawing for drawing in (lines, *curves) if drawing),
        brief=(0, 2, 5, 3, 4, 1),
    )


def _word(tier: TierTimes, judged: Judgement) -> str:
    if not tier.enough:
        return "too few"
    return "slower" if tier.tier in judged.slower else "faster" if tier.tier in judged.faster else "no evidence"


def _stages(found: Findings, judged: Judgement) -> Section | None:
    least_s = {tier.tier: _SHOWN * max(tier.baseline_mean_s, tier.candidate_mean_s) for tier in found.tiers}
    shown = [
        one for one in found.stages if max(one.baseline_s, one.candidate_s) >= least_s[one.tier] and one.tier != ALL
    ]
    if not shown:
        return None
    rows = tuple(
        (
            one.tier,
            _named(one.stage),
            seconds(one.baseline_s),
            seconds(one.candidate_s),
            f"{_signed(one.gained_s)} ({_signed(one.low_s)} to {_signed(one.high_s)})",
        )
        for one in shown
    )
    changed = [tier for tier in (*judged.slower, *judged.faster) if tier != ALL]
    drawings = [
        plots.bars(f"Tier {tier}", [(_named(s.stage), s.baseline_s, s.candidate_s) for s in shown if s.tier == tier])
        for tier in changed
    ]
    head = ("tier", "stage", "baseline", "candidate", "difference")
    return Section(
        "Where the time goes",
        (f"Means per answer, of stages that take {_SHOWN:.0%} of it or more.",),
        Grid(head, rows),
        tuple(drawings),
    )


def _answers(found: Findings, judged: Judgement) -> Section:
    b, c = found.counts[Side.BASELINE], found.counts[Side.CANDIDATE]
    failed = found.failures
    kinds = dict.fromkeys(kind for side in Side for kind in failed.kinds[side])
    rows = [
        ("input tokens, mean", f"{b.input_tokens:.0f}", f"{c.input_tokens:.0f}", ""),
        ("output tokens, mean", f"{b.output_tokens:.0f}", f"{c.output_tokens:.0f}", ratio(found.output_tokens)),
        ("output tokens per second of generating", _rate(b.tokens_per_s), _rate(c.tokens_per_s), ""),
        ("answered from the cache", str(b.hits), str(c.hits), ""),
        ("models", counted(b.models), counted(c.models), ""),
        ("how answered", counted(b.modes), counted(c.modes), ""),
        ("degraded", counted(b.degraded), counted(c.degraded), ""),
        ("judged to another tier", "-", str(found.routed_apart), ""),
        (
            "failed where the other answered",
            str(failed.baseline_alone),
            str(failed.candidate_alone),
            f"p {chance(judged.p.get(FAILURES))}",
        ),
        ("failed where the other failed too", str(failed.both), str(failed.both), ""),
        *((f"failed with {kind}", *(str(failed.kinds[side].get(kind, 0)) for side in Side), "") for kind in kinds),
    ]
    rows.append(("the same text, letter by letter", "-", per_cent(found.same_text), ""))
    return Section(
        "Answers, tokens, cache, failures",
        tuple(_likenesses(found, judged)),
        Grid(("", "baseline", "candidate", "ratio, or p"), tuple(rows)),
    )


def _likenesses(found: Findings, judged: Judgement) -> Iterator[str]:
    for name, what, like in ((TEXTS, "words", found.texts), (SOURCES, "sources", found.sources)):
        if like.within is not None and like.between is not None:
            yield (
                f"Answers to one question have {per_cent(like.within)} of their {what} in common when one instance is "
                f"asked again, {per_cent(like.between)} across the two (p {chance(judged.p.get(name))})."
            )
    if TEXTS in judged.different:
        lost = [f"{tier} {per_cent(gap)}" for tier, gap in found.texts_by_tier.items()]
        yield f"Words lost across the two, by tier: {listed(lost)}."


def _examples(found: Findings, questions: Sequence[str], pairs: Sequence[Pair]) -> Section | None:
    gaps = sorted(found.texts.by_question.items(), key=lambda item: -item[1])
    rows = []
    for question, gap in gaps[:_EXAMPLES]:
        if gap >= 0.05:
            baseline, candidate = next(pair for pair in pairs if pair.question == question and pair.whole).both()
            told = [f"{_cut(one.answer)}\n[{one.mode}, {listed(one.sources)}]" for one in (baseline, candidate)]
            rows.append((_cut(questions[question]), *told))
    if not rows:
        return None
    return Section(
        "The questions that are answered most differently",
        (),
        Grid(("question", "baseline", "candidate"), tuple(rows), prose=True),
    )


def _how(conditions: Conditions, found: Findings) -> Section:
    first = next((tier.asked_first for tier in reversed(found.tiers)), 1.0)
    rows = (
        ("baseline", conditions.baseline),
        ("candidate", conditions.candidate),
        ("questions", conditions.source),
        ("by tier", counted(found.questions_by_tier)),
        ("rounds", str(conditions.rounds)),
        ("pairs measured", f"{found.pairs}, and {count(conditions.warmed, 'question')} to warm up"),
        ("cache", "used" if conditions.cached else "passed by"),
        ("asked with", conditions.fields),
        ("seed", str(conditions.seed)),
        ("begun", f"{conditions.begun}, took {seconds(conditions.took_s)}"),
        ("being asked first", f"takes {first:.2f} times as long as being asked second"),
    )
    return Section("What was compared", (), Grid(("", ""), rows, prose=True))


def _named(stage: str) -> str:
    return stage.replace("_", " ")


def _signed(value_s: float) -> str:
    return ("-" if value_s < 0 else "+") + seconds(abs(value_s))


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _cut(text: str) -> str:
    return text if len(text) <= _EXAMPLE_CHARS else text[:_EXAMPLE_CHARS] + " …"
