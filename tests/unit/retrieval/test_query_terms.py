"""Which words of a question are looked for."""

import pytest

from service.retrieval.query_terms import MAX_TERMS, query_terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("What is momentum trading?", ['"momentum"', '"trading"']),
        ("Was bedeutet der gleitende Durchschnitt?", ['"gleitende"', '"durchschnitt"']),
        ("How does an e-mini differ from a micro e-mini?", ['"e mini"', '"mini"', '"differ"', '"micro"']),
        ("S&P 500 at 0.25 points", ['"s p"', '"500"', '"0 25"', '"points"']),
        ("risk/reward of 2:1", ['"risk reward"', '"risk"', '"reward"', '"2 1"']),
        ("the trader's plan, and what's next", ['"trader"', '"plan"', '"next"']),
        ("momentum MOMENTUM Momentum", ['"momentum"']),
        ("GR\u00d6\u00dfERE Kurse", ['"gr\u00f6\u00dfere"', '"gr\u00f6ssere"', '"kurse"']),
        ("and/or", []),
        ("What is it?", []),
        ("Was ist das?", []),
        ("", []),
        ("?!* ()\"'", []),
    ],
)
def test_words_that_carry_meaning_are_quoted(text: str, terms: list[str]) -> None:
    assert list(query_terms(text)) == terms


def test_a_long_question_gives_a_bounded_number_of_terms() -> None:
    assert len(query_terms(" ".join(f"word{number}" for number in range(5000)))) == MAX_TERMS
