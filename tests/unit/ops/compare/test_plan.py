"""The order of a comparison."""

from collections import Counter
from itertools import groupby

from ops.compare.measured import Side
from ops.compare.plan import Asked, chosen, plan

QUESTIONS = [Asked(f"{tier} {number}", tier) for tier in ("simple", "complex") for number in range(5)]


def test_every_question_is_asked_in_every_round() -> None:
    measured = [step for step in plan(QUESTIONS, 3, 1, 7) if not step.warm]
    assert Counter((step.question, step.round) for step in measured) == {(q, r): 1 for q in range(10) for r in range(3)}
    assert [step.round for step in measured] == sorted(step.round for step in measured)


def test_tiers_are_asked_in_blocks_that_are_spread_and_warmed_up_with_their_own_questions() -> None:
    many = [Asked(f"{tier} {number}", tier) for tier in ("simple", "medium", "complex") for number in range(12)]
    steps = plan(many, 3, 2, 7)
    blocks = [list(block) for _, block in groupby(steps, key=lambda step: many[step.question].tier)]
    assert len(blocks) == 3 * 3 * 3
    for block in blocks:
        assert [step.warm for step in block] == [True, True, *([False] * (len(block) - 2))]
        assert len(block) - 2 in {2, 5}


def test_uneven_tiers_follow_themselves_only_in_the_end() -> None:
    uneven = [Asked(f"s{number}", "simple") for number in range(40)] + [Asked("c", "complex")]
    steps = plan(uneven, 1, 1, 7)
    assert sorted(step.question for step in steps if not step.warm) == list(range(41))
    assert sum(step.warm for step in steps) == 3


def test_one_tier_is_warmed_up_once() -> None:
    assert sum(step.warm for step in plan(QUESTIONS[:5], 4, 1, 7)) == 1


def test_who_is_first_is_by_lot_and_orders_differ_between_rounds() -> None:
    steps = plan(QUESTIONS, 40, 0, 7)
    first = sum(step.first is Side.BASELINE for step in steps) / len(steps)
    assert 0.4 < first < 0.6
    rounds = [[step.question for step in steps if step.round == number] for number in (0, 1)]
    assert rounds[0] != rounds[1]


def test_a_seed_repeats_an_order() -> None:
    assert plan(QUESTIONS, 3, 1, 7) == plan(QUESTIONS, 3, 1, 7)
    assert plan(QUESTIONS, 3, 1, 7) != plan(QUESTIONS, 3, 1, 8)


def test_few_are_chosen_evenly_and_in_their_order() -> None:
    uneven = [*QUESTIONS[:5], *(Asked(f"complex {number}", "complex") for number in range(50))]
    kept = chosen(uneven, 8, 7)
    assert Counter(one.tier for one in kept) == {"simple": 4, "complex": 4}
    assert kept == [one for one in uneven if one in kept]
    assert Counter(one.tier for one in chosen(uneven, 20, 7)) == {"simple": 5, "complex": 15}
    assert chosen(QUESTIONS, 99, 7) == QUESTIONS
