import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.policy import SeedPolicy, counted
from service.routing.port import Tier

CLIENT_QUERIES = [
    ("What is momentum trading?", Tier.MEDIUM),
    ("Explain RSI indicator", Tier.MEDIUM),
    ("Compare different trading strategies", Tier.MEDIUM),
    (
        "Analyze the current market conditions and provide a comprehensive trading strategy recommendation",
        Tier.RESEARCH,
    ),
    ("What is momentum trading?", Tier.MEDIUM),
]
EDGES = [
    ("", Tier.SIMPLE),
    ("a b c d e", Tier.SIMPLE),
    ("a b c d e f", Tier.MEDIUM),
    ("a " * 15, Tier.MEDIUM),
    ("a " * 16, Tier.COMPLEX),
    ("a " * 30, Tier.COMPLEX),
    ("a " * 31, Tier.RESEARCH),
    ("why?", Tier.SIMPLE),
    ("why??", Tier.RESEARCH),
    ("rsi", Tier.MEDIUM),
    ("rsi macd", Tier.MEDIUM),
    ("rsi macd vwap", Tier.COMPLEX),
    ("explain", Tier.MEDIUM),
    ("explain correlation", Tier.COMPLEX),
    ("thorough", Tier.RESEARCH),
    ("A university", Tier.SIMPLE),
]


@pytest.mark.parametrize(("text", "tier"), CLIENT_QUERIES)
def test_the_original_clients_queries_go_where_the_rules_say(text: str, tier: Tier) -> None:
    assert SeedPolicy().decide(text).tier is tier


@pytest.mark.parametrize(("text", "tier"), EDGES)
def test_thresholds_are_exact(text: str, tier: Tier) -> None:
    assert SeedPolicy().decide(text).tier is tier


def test_reasons_name_every_rule_that_applied_and_its_words() -> None:
    assert SeedPolicy().decide("Compare and analyze rsi, macd, vwap").reasons == (
        "2 complex indicators (analyze, compare)",
        "3 technical terms (rsi, macd, vwap)",
    )
    assert SeedPolicy().decide("thorough?? ?").reasons == ("1 research indicator (thorough)", "3 question marks")
    assert SeedPolicy().decide("a " * 40).reasons == ("40 words, more than 30",)
    assert SeedPolicy().decide("hello").reasons == ("at most 5 words and no indicator",)


def test_kind_is_reported_but_does_not_move_the_tier() -> None:
    decision = SeedPolicy().decide("print(x)")
    assert decision.features.code
    assert decision.tier is Tier.SIMPLE


def test_counted() -> None:
    assert counted("term", ("a",)) == "1 term (a)"
    assert counted("term", ("a", "b")) == "2 terms (a, b)"


@given(st.text())
def test_every_text_gets_a_tier_and_a_reason(text: str) -> None:
    decision = SeedPolicy().decide(text)
    assert decision.reasons
    assert decision == SeedPolicy().decide(text)
