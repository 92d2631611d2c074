"""The sentences that a report opens with."""

from dataclasses import replace
from typing import Any

from ops.compare.findings import findings
from ops.compare.measured import Pair
from ops.compare.summary import summary
from ops.compare.verdict import Floor, judge
from tests.unit.ops.compare.made import LOST, answer, pair, pairs


def told(asked: list[Pair], *, cached: bool = False) -> tuple[str, ...]:
    found = findings(asked, 1, 200)
    return summary(found, judge(found, Floor()), cached=cached)


def changed(asked: list[Pair], **candidate: Any) -> list[Pair]:
    """The same with a candidate that answers so."""
    return [replace(one, candidate=replace(one.both()[1], **candidate)) for one in asked]


def test_a_slower_tier_is_named_with_the_stage_that_took_longer() -> None:
    (sentence,) = told([*pairs(1.0), *pairs(1.4, tier="complex", base=50)])
    assert sentence.startswith("Tier complex is slower: the candidate typically takes 1.40 (")
    assert "most of it is in generate (" in sentence


def test_a_faster_tier_is_named_with_the_stage_that_took_less() -> None:
    (sentence,) = told(pairs(0.5))
    assert sentence.startswith("Tier simple is faster: the candidate typically takes 0.50 (")
    assert "most of it is in generate (" in sentence


def test_where_no_stage_explains_it_none_is_named() -> None:
    stages = {"generate": 0.1}
    asked = [replace(one, baseline=replace(one.both()[0], stages=stages)) for one in changed(pairs(1.4), stages=stages)]
    (sentence,) = told(asked)
    assert sentence.endswith("times as long as the baseline.")


def test_all_is_named_only_where_no_tier_is() -> None:
    both = told([*pairs(1.4), *pairs(1.4, tier="complex", base=50)])
    assert [sentence.split(" is ")[0] for sentence in both] == ["Tier simple", "Tier complex"]
    few = [one for at in range(5) for one in pairs(1.4, tier=f"tier {at}", base=50 * at, questions=2)]
    (whole, unjudged) = told(few)
    assert whole.startswith("All tiers together are slower: ")
    assert unjudged == "Too few pairs (under 12) to judge: tier 0, tier 1, tier 2, tier 3 and tier 4."


def test_no_evidence_says_what_would_have_been_seen() -> None:
    (sentence,) = told(pairs(1.0))
    assert sentence.startswith("No change of 10% and 20 ms or more was found in any tier. A slowdown of more than ")


def test_what_would_have_been_seen_is_what_the_widest_interval_allows() -> None:
    wobbling = [
        replace(one, candidate=answer(one.both()[0].seconds * (1.6 if at % 3 else 0.5), tier="complex"))
        for at, one in enumerate(pairs(1.0, tier="complex", base=50))
    ]
    found = findings([*pairs(1.0), *wobbling], 1, 200)
    widest = max(tier.typical.high for tier in found.tiers) - 1
    (sentence,) = summary(found, judge(found, Floor(share=1.0)), cached=False)
    assert f"A slowdown of more than {widest:.0%} in a tier" in sentence
    assert widest > 2 * (found.tiers[0].typical.high - 1)


def test_no_evidence_is_said_beside_a_tier_that_was_not_judged() -> None:
    quiet, few = told([*pairs(1.0), *pairs(1.0, tier="complex", base=50, questions=1)])
    assert quiet.startswith("No change of 10% and 20 ms or more was found in any tier.")
    assert few == "Too few pairs (under 12) to judge: complex."


def test_no_evidence_of_all_together_is_not_said_of_tiers() -> None:
    quiet, few = told([*pairs(1.0, questions=2), *pairs(1.0, tier="complex", base=50, questions=2)])
    assert quiet.startswith("No change of 10% and 20 ms or more was found in all tiers together.")
    assert few == "Too few pairs (under 12) to judge: simple and complex."


def test_what_was_not_judged_is_said() -> None:
    assert told(pairs(1.0, questions=2, rounds=2)) == (
        "Too little was measured to say anything.",
        "Too few pairs (under 12) to judge: simple.",
    )
    assert told(pairs(1.0, questions=20, rounds=1))[-1].startswith("No question was answered twice by both")
    assert told([]) == ("Too little was measured to say anything.",)


def test_other_texts_and_sources_are_told_with_how_much() -> None:
    assert told(changed(pairs(1.0), answer="something else", sources=("z.md",))) == (
        "The candidate cites other sources: 0% alike across the two, 100% within one.",
        "The candidate's answers say something else: 0% alike across the two, 100% within one.",
    )


def test_a_candidate_that_fails_more_is_told_with_why() -> None:
    (sentence,) = told([*pairs(1.0), *(pair(answer(), LOST) for _ in range(12)), pair(LOST, answer())])
    assert sentence == (
        "The candidate fails more: at 12 questions that the baseline answered (timeout 12), and the baseline at 1 that "
        "the candidate answered."
    )


def test_times_are_told_beside_other_answers() -> None:
    other, slower = told(changed(pairs(1.5), answer="something else"))
    assert other.startswith("The candidate's answers say something else")
    assert slower.startswith("Tier simple is slower")


def test_answers_without_an_embedder_are_said_to_be() -> None:
    asked = changed(pairs(1.0), sources=("z.md",), degraded=("no_embedder",))
    assert told(asked)[1:] == (
        "Degraded answers of the baseline: none.",
        "Degraded answers of the candidate: 32 searched by keywords only: no embedding model is there "
        "(`emini-rag models pull`).",
    )
    both = [replace(one, baseline=replace(one.both()[0], degraded=("no_embedder",))) for one in asked]
    assert not any("Degraded" in sentence for sentence in told(both))


def test_other_models_and_more_tokens_are_said() -> None:
    asked = changed(pairs(1.0), model="gpt-oss:20b", output_tokens=20)
    assert told(asked)[1:] == (
        "Other models answered: llama3.2:3b 32 for the baseline, gpt-oss:20b 32 for the candidate.",
        "The candidate writes 2.00 (2.00 to 2.00) times as many tokens as the baseline.",
    )
    assert len(told(changed(pairs(1.0), output_tokens=11))) == 1


def test_used_caches_are_told_with_how_much_each_answered() -> None:
    asked = [replace(one, candidate=answer(0.001, cache="hit")) if one.question < 2 else one for one in pairs(1.4)]
    sentences = told(asked, cached=True)
    assert sentences[-1] == (
        "From caches came 0 of 32 answers of the baseline and 8 of 32 answers of the candidate; times are of these and "
        "of the others together."
    )
    assert not any("caches" in sentence for sentence in told(asked))
