"""What a replay found, in the sentences that its report opens with. Pure."""

from collections.abc import Mapping

from ops.compare.findings import ALL, ENOUGH, Counts, Findings, TierTimes
from ops.compare.likeness import Alike
from ops.compare.measured import Side
from ops.compare.phrases import counted, listed, per_cent, ratio
from ops.compare.verdict import FAILURES, SOURCES, TEXTS, Judgement
from service.cli.wording import DEGRADED, count, seconds


def summary(found: Findings, judged: Judgement, *, cached: bool) -> tuple[str, ...]:
    """What changed, or what would have been seen; then what a reader must know to believe it."""
    told = [*_answers(found, judged), *_times(found, judged)] or [_quiet(found, judged)]
    if judged.unjudged:
        told.append(f"Too few pairs (under {ENOUGH}) to judge: {listed(judged.unjudged)}.")
    told += _aside(found, judged)
    if cached:
        told.append(_from_cache(found.counts))
    if found.texts.p is None and found.pairs:
        told.append("No question was answered twice by both: how much answers vary by themselves is not known.")
    return tuple(told)


def _answers(found: Findings, judged: Judgement) -> list[str]:
    failed = found.failures
    kinds = counted(failed.kinds[Side.CANDIDATE])
    told = {
        TEXTS: f"The candidate's answers say something else: {_likeness(found.texts)}.",
        SOURCES: f"The candidate cites other sources: {_likeness(found.sources)}.",
        FAILURES: f"The candidate fails more: at {count(failed.candidate_alone, 'question')} that the baseline "
        f"answered ({kinds}), and the baseline at {failed.baseline_alone} that the candidate answered.",
    }
    return [told[name] for name in (FAILURES, SOURCES, TEXTS) if name in judged.different]


def _likeness(like: Alike) -> str:
    return f"{per_cent(like.between or 0.0)} alike across the two, {per_cent(like.within or 0.0)} within one"


def _times(found: Findings, judged: Judgement) -> list[str]:
    tiers = {tier.tier: tier for tier in found.tiers}
    told = []
    for how, names in (("slower", judged.slower), ("faster", judged.faster)):
        # All together are named where no single tier is.
        told += [_changed(tiers[name], how, found) for name in names if name != ALL or names == (ALL,)]
    return told


def _changed(tier: TierTimes, how: str, found: Findings) -> str:
    name = "All tiers together are" if tier.tier == ALL else f"Tier {tier.tier} is"
    told = f"{name} {how}: the candidate typically takes {ratio(tier.typical)} times as long as the baseline"
    stages = [stage for stage in found.stages if stage.tier == tier.tier]
    part = max(stages, key=lambda stage: stage.gained_s if how == "slower" else -stage.gained_s, default=None)
    if part is None or (part.gained_s > 0) != (how == "slower"):
        return f"{told}."
    stage = part.stage.replace("_", " ")
    return f"{told}; most of it is in {stage} ({seconds(part.baseline_s)} to {seconds(part.candidate_s)})."


def _quiet(found: Findings, judged: Judgement) -> str:
    if not judged.enough:
        return "Too little was measured to say anything."
    tiers = [tier for tier in found.tiers if tier.enough]
    where, one = ("in any tier", "in a tier") if tiers[0].tier != ALL else ("in all tiers together", "there")
    most = max(0.0, max(tier.typical.high for tier in tiers) - 1)
    return (
        f"No change of {judged.floor} or more was found {where}. "
        f"A slowdown of more than {per_cent(most)} {one} would hardly have stayed unseen."
    )


def _aside(found: Findings, judged: Judgement) -> list[str]:
    """What is not judged, and may explain what is."""
    b, c = found.counts[Side.BASELINE], found.counts[Side.CANDIDATE]
    told = []
    if b.models.keys() != c.models.keys():
        told.append(
            f"Other models answered: {counted(b.models)} for the baseline, {counted(c.models)} for the candidate."
        )
    if b.degraded.keys() != c.degraded.keys():
        told += [f"Degraded answers of the {side}: {_degraded(one.degraded)}." for side, one in found.counts.items()]
    tokens, least = found.output_tokens, 1 + judged.floor.share
    if tokens is not None and (tokens.low > least or tokens.high < 1 / least):
        told.append(f"The candidate writes {ratio(tokens)} times as many tokens as the baseline.")
    return told


def _degraded(numbers: Mapping[str, int]) -> str:
    return "; ".join(f"{number} {DEGRADED.get(name, name)}" for name, number in numbers.items()) or "none"


def _from_cache(counts: Mapping[Side, Counts]) -> str:
    told = [f"{one.hits} of {one.answers} answers of the {side}" for side, one in counts.items()]
    return f"From caches came {listed(told)}; times are of these and of the others together."
