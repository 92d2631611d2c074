import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.port import Tier
from service.routing.scored import WEIGHTS, ScoredPolicy

LATIN = st.text(alphabet=string.printable + "äöüÄÖÜß„“\u2013", max_size=300)
CLEAR = [
    ("What is the ticker of the Bund future?", Tier.SIMPLE),
    ("Was ist ein Future?", Tier.SIMPLE),
    ("Explain how rollover works", Tier.MEDIUM),
    ("Warum rollt man Futures?", Tier.MEDIUM),
    ("Compare limit and market orders", Tier.COMPLEX),
    ("Vergleiche Limit- und Market-Orders", Tier.COMPLEX),
    ("Comprehensive report on rollover", Tier.RESEARCH),
    ("Umfassender Bericht über das Rollen", Tier.RESEARCH),
]


@pytest.mark.parametrize(("text", "tier"), CLEAR)
def test_clear_cases_in_both_languages(text: str, tier: Tier) -> None:
    assert ScoredPolicy().decide(text).tier is tier


def test_quoted_words_are_mentions_not_demands() -> None:
    bare = ScoredPolicy().decide("Who wrote a comprehensive study?")
    for quoted in (
        'Who wrote "A comprehensive study"?',
        "Who wrote „A comprehensive study“?",
        "Who wrote 'A comprehensive study'?",
    ):
        assert ScoredPolicy().decide(quoted).tier is Tier.SIMPLE
    assert bare.tier is Tier.RESEARCH


def test_an_apostrophe_opens_no_quotation() -> None:
    assert ScoredPolicy().decide("Don't guess: write a comprehensive report, it's due").tier is Tier.RESEARCH


def test_a_code_question_goes_at_least_to_the_complex_tier() -> None:
    decision = ScoredPolicy().decide("print(x) fails")
    assert decision.tier is Tier.COMPLEX
    assert decision.reasons[0] == "code goes at least to the complex tier"


def test_code_does_not_cap_a_dearer_question() -> None:
    text = "Write a complete backtesting engine in Python: architecture, data, costs, tests, deployment"
    assert ScoredPolicy().decide(text).tier is Tier.RESEARCH


def test_a_hard_question_without_code_is_complex_all_the_same() -> None:
    decision = ScoredPolicy().decide("Compare gold and bonds in a crash")
    assert (decision.tier, decision.features.code) == (Tier.COMPLEX, False)


def test_the_material_of_a_code_question_is_not_read_as_prose() -> None:
    trace = (
        "Help: Traceback (most recent call last):\n" + 'File "a, b", line 1, in x, y, z: compare, write, plan\n' * 20
    )
    assert ScoredPolicy().decide(trace).tier is Tier.COMPLEX
    fence = "Mend this ```\n" + "explain, compare, report, study, history, evidence\n" * 20 + "```"
    assert ScoredPolicy().decide(fence).tier is Tier.COMPLEX


def test_length_alone_never_makes_a_question_dear() -> None:
    text = "Hello there and thank you once more for all of the kind help of last week " * 10 + "what is a tick"
    assert ScoredPolicy().decide(text).tier is Tier.SIMPLE


def test_reasons_are_for_people_and_weightiest_first() -> None:
    assert ScoredPolicy().decide("Explain and compare RSI, MACD, VWAP, ATR and OBV").reasons[:2] == (
        "asks for an analysis (compare)",
        "lists parts (3 commas, colons or semicolons)",
    )
    assert ScoredPolicy().decide("hello").reasons == ("short, and nothing asks for more",)


def test_every_weight_gives_its_reason() -> None:
    assert all(len(weight.why) > 20 for weight in WEIGHTS.values())


@given(LATIN)
def test_case_and_white_space_around_do_not_move_the_tier(text: str) -> None:
    policy = ScoredPolicy()
    tier = policy.decide(text).tier
    assert policy.decide(text.upper()).tier is tier
    assert policy.decide(text.lower()).tier is tier
    assert policy.decide(f" \n{text}\t ").tier is tier


@given(st.text())
def test_every_text_gets_a_tier_and_a_reason(text: str) -> None:
    decision = ScoredPolicy().decide(text)
    assert decision.reasons
    assert decision == ScoredPolicy().decide(text)


HOSTILE = {
    "one word": "a" * 8000,
    "backticks": "`((((\n" * 1333,
    "open quotes": "\u201ea" * 4000,
    "open fence": "```" + "a" * 7997,
    "apostrophes": " 'a" * 2666,
    "dotted": "a." * 4000,
    "calls": "def " * 2000,
    "select": "select from " * 666,
    "errors": ("x" * 41 + "error ") * 170,
    "near phrases": "xin-depth" * 888,
    "ligatures": "\ufdfa" * 8000,
    "combining": "a" + "\u0301" * 7999,
    "lone surrogates": "\ud800" * 8000,
    "tracebacks": "traceback (most recent call last) " * 235,
    "commas": ", " * 4000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_decided(text: str) -> None:
    """Each takes about a millisecond; a pattern that backtracks would hang here and be seen."""
    assert ScoredPolicy().decide(text[:8000]).tier in Tier
