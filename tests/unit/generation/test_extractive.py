"""Quoting: verbatim, in its place, about the question, or silent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.chunking import chunk, chunk_id
from service.generation.extractive import SentenceExtractor
from service.retrieval.port import Passage

MOMENTUM = """# Momentum trading

Momentum trading buys what has risen and sells what has fallen. The idea rests on trends that last for months.
A trader enters late and leaves early.

## Risks

Momentum crashes are rare, but they are deep. In March 2009 the losers of the year before rose most.
Position size should shrink when volatility rises. Is momentum trading risky?

- Use a stop-loss order at twice the average true range.
- Risk at most 1 % of the account per trade.
"""
RSI = """# Relative Strength Index

The RSI measures the speed of price changes on a scale from 0 to 100. Values above 70 are called overbought, and values
below 30 oversold. It was described by Wilder in 1978.

| level | meaning |
|-------|---------|
| 70 | overbought |

## Momentum trading
"""
DOCUMENTS = {"momentum.md": MOMENTUM, "rsi.md": RSI}


def passages(documents: dict[str, str], target_chars: int = 300) -> list[Passage]:
    return [
        Passage(
            chunk_id=chunk_id(name, span.start, span.end, text[span.start : span.end]),
            document_id=name,
            source=name,
            text=text[span.start : span.end],
            start=span.start,
            end=span.end,
            score=1.0,
            sentences=span.sentences,
        )
        for name, text in documents.items()
        for span in chunk(text, target_chars=target_chars)
    ]


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("What is momentum trading?", "Momentum trading buys what has risen"),
        ("What does the RSI measure?", "The RSI measures the speed"),
        ("When are values overbought?", "Values above 70 are called overbought"),
        ("How much of the account may I risk per trade?", "Risk at most 1 % of the account"),
        ("Where does the stop-loss order go?", "Use a stop-loss order at twice"),
        ("Who described the RSI?", "It was described by Wilder"),
        ("How deep are momentum crashes?", "Momentum crashes are rare"),
    ],
)
def test_the_gold_sentence_is_among_the_quotes(question: str, start: str) -> None:
    quotes = SentenceExtractor().extract(question, passages(DOCUMENTS))
    assert any(quote.text.startswith(start) for quote in quotes[:2])


def test_quotes_are_verbatim_in_their_place_and_few() -> None:
    found = passages(DOCUMENTS)
    quotes = SentenceExtractor().extract("What is the risk of momentum trading when volatility rises?", found)
    assert 2 <= len(quotes) <= 4
    by_id = {passage.chunk_id: passage for passage in found}
    for quote in quotes:
        assert DOCUMENTS[quote.document_id][quote.start : quote.end] == quote.text
        passage = by_id[quote.chunk_id]
        assert passage.start <= quote.start < quote.end <= passage.end
        assert quote.source == passage.source
    assert [quote.score for quote in quotes] == sorted((quote.score for quote in quotes), reverse=True)


@pytest.mark.parametrize("question", ["How do I bake bread?", "What is the capital of France?", "", "?!", "the of and"])
def test_silent_when_nothing_is_about_it(question: str) -> None:
    assert SentenceExtractor().extract(question, passages(DOCUMENTS)) == ()


def test_no_passages_no_quotes() -> None:
    assert SentenceExtractor().extract("What is momentum?", []) == ()


def test_a_word_that_no_passage_knows_outweighs_common_ones() -> None:
    assert SentenceExtractor().extract("ethereum staking yield rate trading", passages(DOCUMENTS)) == ()
    assert SentenceExtractor(floor=0.0).extract("ethereum staking yield rate trading", passages(DOCUMENTS)) != ()


def test_headings_rules_and_markers_are_never_quoted() -> None:
    quotes = SentenceExtractor(floor=0.0).extract(
        "momentum trading risks relative strength index order", passages(DOCUMENTS)
    )
    assert quotes
    assert not any(quote.text.startswith(("#", "- ", "|--")) for quote in quotes)


def test_a_heading_lends_its_words_to_what_stands_below() -> None:
    text = "## Sharpe ratio\n\nIt divides the excess ratio by its deviation. Nothing else matters here at all.\n"
    other = "## Beta\n\nIt divides the excess ratio by its variance. Nothing else counts in here at all.\n"
    quotes = SentenceExtractor().extract("What is the Sharpe ratio?", passages({"beta.md": other, "sharpe.md": text}))
    assert quotes[0].document_id == "sharpe.md"


def test_repetition_is_left_out() -> None:
    copies = {f"copy{number}.md": "Momentum trading buys what has risen lately.\n" for number in range(5)}
    assert len(SentenceExtractor().extract("What is momentum trading?", passages(copies))) == 1


def test_a_question_is_seldom_the_answer() -> None:
    quotes = SentenceExtractor().extract("Is momentum trading risky?", passages(DOCUMENTS))
    assert quotes[0].text != "Is momentum trading risky?"


def test_a_passage_without_sentences_is_one_sentence() -> None:
    passage = Passage("c", "d", "s", "Momentum trading buys what rises.", 10, 43, 1.0)
    quotes = SentenceExtractor().extract("momentum trading", [passage])
    assert [(quote.start, quote.end) for quote in quotes] == [(10, 43)]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=100), st.lists(st.text(max_size=300), max_size=4))
def test_any_input_gives_verbatim_quotes_and_the_same_ones_again(question: str, bodies: list[str]) -> None:
    documents = {str(number): body + " " + question for number, body in enumerate(bodies)}
    found = passages(documents)
    quotes = SentenceExtractor().extract(question, found)
    assert len(quotes) <= 4
    assert quotes == SentenceExtractor().extract(question, found)
    for quote in quotes:
        assert documents[quote.document_id][quote.start : quote.end] == quote.text
