"""The labelled prompts are sound, the figures are right, and a regression is seen."""

import json
from collections import Counter
from pathlib import Path

import pytest

from service.routing.port import Tier
from tests.eval import routing
from tests.eval.routing_measures import Judged, Prompt, confusion, macro_f1, share, summary


def prompt(tier: Tier, *, code: bool = False, group: str = "g") -> Prompt:
    return Prompt("id", "text", tier, code, "en", "short", group, "test")


def test_prompts_are_many_unique_and_balanced() -> None:
    prompts = routing.load_prompts()
    assert len(prompts) >= 240
    assert len({item.id for item in prompts}) == len({item.text for item in prompts}) == len(prompts)
    for split in routing.SPLITS:
        tiers = Counter(item.tier for item in prompts if item.split == split)
        assert set(tiers) == set(Tier)
        assert max(tiers.values()) - min(tiers.values()) <= 3
    assert {item.language for item in prompts} == {"en", "de"}
    assert {item.style for item in prompts} == {"short", "long", "adversarial", "paraphrase"}
    assert all(len(item.text) <= 8000 for item in prompts)


def test_no_group_is_in_both_halves_or_two_tiers() -> None:
    groups: dict[str, set[tuple[str, Tier]]] = {}
    for item in routing.load_prompts():
        groups.setdefault(item.group, set()).add((item.split, item.tier))
    assert all(len(places) == 1 for places in groups.values())


def test_code_is_labelled_only_where_the_tier_can_hold_it() -> None:
    assert {item.tier for item in routing.load_prompts() if item.code} == {Tier.COMPLEX, Tier.RESEARCH}


def test_figures_of_a_known_case() -> None:
    judged = [
        Judged(prompt(Tier.SIMPLE), Tier.SIMPLE, False),
        Judged(prompt(Tier.SIMPLE), Tier.RESEARCH, True),
        Judged(prompt(Tier.MEDIUM), Tier.MEDIUM, False),
        Judged(prompt(Tier.COMPLEX, code=True), Tier.MEDIUM, True),
    ]
    assert confusion(judged) == [[1, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert macro_f1(judged) == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4)
    figures = summary(judged)
    assert (figures["accuracy"], figures["under_routed"], figures["over_routed"]) == (0.5, 0.25, 0.25)
    assert (figures["two_tiers_off"], figures["code_recall"], figures["code_precision"]) == (0.25, 1.0, 0.5)
    assert share([]) == 0.0


def test_the_default_policy_beats_the_seeds_rules_on_the_unseen_half() -> None:
    quality = routing.evaluate(routing.load_prompts())
    seed, scored = (quality["policies"][name] for name in ("seed", "scored"))
    assert scored["test"]["macro_f1"] > seed["test"]["macro_f1"]
    assert quality["gain_on_test_95"][0] > 0
    for name in ("upper case", "lower case", "white space around", "doubled spaces"):
        assert seed["stability"][name] == scored["stability"][name] == 1.0


def test_a_drop_is_reported_and_a_small_one_is_not() -> None:
    def figures(score: float) -> dict[str, object]:
        return {"policies": {"scored": {"test": {"macro_f1": score}}}}

    assert routing.regressions(figures(0.90), figures(0.89)) == []
    assert routing.regressions(figures(0.90), figures(0.87)) == [
        "scored: macro-F1 on the test split fell from 0.900 to 0.870"
    ]
    assert routing.regressions({}, figures(0.1)) == []


def test_main_writes_once_then_leaves_alone_and_refuses_a_regression(tmp_path: Path) -> None:
    target = tmp_path / "docs" / "routing.json"
    assert routing.main(results=target.parent) == 0
    first = target.read_text()
    assert routing.main(results=target.parent) == 0
    assert target.read_text() == first
    committed = json.loads(first)
    committed["policies"]["scored"]["test"]["macro_f1"] = 0.999
    target.write_text(json.dumps(committed))
    assert routing.main(results=target.parent) == 1
    assert json.loads(target.read_text()) == committed
    assert routing.main(["--accept"], target.parent) == 0
    assert target.read_text() != json.dumps(committed)
