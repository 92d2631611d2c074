"""What pairs say."""

import json
from dataclasses import asdict, replace

import pytest

from ops.compare.findings import ALL, findings
from ops.compare.measured import Side
from tests.unit.ops.compare.made import LOST, answer, pair, pairs, said


def test_each_tier_is_measured_by_the_baselines_word_and_all_together_last() -> None:
    asked = [*pairs(1.0, tier="research", base=100), *pairs(1.3, tier="simple"), *pairs(1.0, tier="odd", base=200)]
    moved = [replace(one, candidate=replace(one.both()[1], tier="complex")) for one in asked[:3]]
    found = findings([*moved, *asked[3:]], 1, 50)
    assert [tier.tier for tier in found.tiers] == ["simple", "research", "odd", ALL]
    assert [tier.n for tier in found.tiers] == [32, 32, 32, 96]
    assert found.routed_apart == 3
    assert found.questions_by_tier == {"simple": 8, "research": 8, "odd": 8}
    assert found.tiers[0].typical.value == pytest.approx(1.3, rel=0.03)
    assert found.tiers[0].means.low < found.tiers[0].means.value < found.tiers[0].means.high
    assert found.tiers[0].above > 0.95


def test_one_tier_alone_is_not_repeated_as_all() -> None:
    assert [tier.tier for tier in findings(pairs(1.0), 1, 50).tiers] == ["simple"]


def test_a_tier_without_a_whole_pair_is_not_forgotten() -> None:
    broken = [pair(answer(tier="medium"), LOST), pair(LOST, answer(tier="research")), pair(LOST, LOST)]
    found = findings([*pairs(1.0), *broken, pair(answer(), LOST)], 1, 50)
    assert [tier.tier for tier in found.tiers] == ["simple"]
    assert found.unpaired == ("medium", "research")


def test_stages_explain_where_the_time_went() -> None:
    found = findings(pairs(1.5), 1, 200)
    gained = {stage.stage: stage for stage in found.stages}
    assert gained["retrieve"].gained_s == 0
    assert gained["generate"].gained_s > 0.5
    assert 0 < gained["generate"].low_s < gained["generate"].gained_s < gained["generate"].high_s


def test_a_stage_that_only_one_has_counts_as_nothing_in_the_other() -> None:
    asked = [pair(answer(stages={"a": 1.0}), answer(stages={"a": 1.0, "b": 0.5})) for _ in range(3)]
    (_, b) = findings(asked, 1, 50).stages
    assert (b.stage, b.baseline_s, b.candidate_s) == ("b", 0.0, 0.5)


def test_failures_are_counted_by_who_failed_alone_and_why() -> None:
    asked = [pair(answer(), LOST)] * 5 + [pair(LOST, answer())] + [pair(LOST, LOST)] * 2 + [pair(answer(), answer())]
    found = findings(asked, 1, 50)
    failures = found.failures
    assert (failures.candidate_alone, failures.baseline_alone, failures.both) == (5, 1, 2)
    assert failures.kinds == {Side.BASELINE: {"timeout": 3}, Side.CANDIDATE: {"timeout": 7}}
    assert failures.p == pytest.approx(2 * 7 / 64)
    assert (found.pairs, found.tiers[0].n) == (9, 1)


def test_tokens_cache_models_and_texts() -> None:
    one = answer(output_tokens=10, cache="hit", degraded=("no_embedder",))
    other = answer(output_tokens=20, model="gpt-oss:20b", mode="extractive", answer="other")
    found = findings([pair(one, other, number=number) for number in range(4)], 1, 50)
    b, c = found.counts[Side.BASELINE], found.counts[Side.CANDIDATE]
    assert (b.hits, c.hits, b.degraded, c.modes) == (4, 0, {"no_embedder": 4}, {"extractive": 4})
    assert (b.models, c.models) == ({"llama3.2:3b": 4}, {"gpt-oss:20b": 4})
    assert c.tokens_per_s == pytest.approx(20 / 0.8)
    assert found.output_tokens is not None
    assert found.output_tokens.value == 2.0
    assert found.same_text == 0.0


def test_texts_are_told_by_tier() -> None:
    found = findings([*said([("a b", "a b")] * 2, 0), *said([("a b", "c d")] * 2, 1)], 1, 50)
    assert found.texts_by_tier == {"simple": pytest.approx(0.5)}


def test_without_pairs_there_is_nothing_and_no_error() -> None:
    found = findings([], 1, 50)
    assert (found.pairs, found.tiers, found.texts.p, found.output_tokens, found.failures.p) == (0, (), None, None, 1.0)


def test_nothing_written_is_no_ratio_of_tokens() -> None:
    assert findings([pair(answer(output_tokens=0), answer(output_tokens=3))], 1, 50).output_tokens is None


def test_the_same_seed_finds_the_same_and_it_is_json() -> None:
    asked = pairs(1.1)
    first, again = (asdict(findings(asked, 5, 50)) for _ in range(2))
    assert json.dumps(first) == json.dumps(again)
