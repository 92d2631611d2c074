"""Figures about answers made without a model: whether the gold sentence is quoted, and whether silence is kept.

quoted            share of answerable questions with a gold quote among the quoted sentences
quoted_first      with a gold quote in the first one
document_cited    with a citation of a gold quote's document
citation_precision  share of the citations that hold a gold quote or stand in the passage of one
silent            share of unanswerable questions without any quotation
wrongly_silent    share of answerable questions without any quotation
"""

from collections.abc import Mapping, Sequence

from service.generation.extractive import SentenceExtractor
from service.generation.port import Excerpt, Extractor
from service.retrieval.port import Passage
from tests.eval.retrieval_measures import Gold, Question, Span, holds, mean


def answer_figures(
    found: Sequence[tuple[Question, Sequence[Passage]]], extractor: Extractor | None = None
) -> dict[str, float]:
    """`found` are the passages above the floor for each question, as the service would quote from them."""
    extractor = extractor or SentenceExtractor()
    answered = [(question, passages, extractor.extract(question.text, passages)) for question, passages in found]
    asked = [one for one in answered if one[0].answerable]
    unanswerable = [one for one in answered if not one[0].answerable]
    return {
        "quoted": mean(any(_quotes(excerpt, question) for excerpt in quotes) for question, _, quotes in asked),
        "quoted_first": mean(bool(quotes) and _quotes(quotes[0], question) for question, _, quotes in asked),
        "document_cited": mean(
            any(excerpt.source == gold.source for excerpt in quotes for gold in question.gold)
            for question, _, quotes in asked
        ),
        "citation_precision": mean(
            _is_to_the_point(excerpt, question, {passage.chunk_id: passage for passage in passages})
            for question, passages, quotes in asked
            for excerpt in quotes
        ),
        "silent": mean(not quotes for _, _, quotes in unanswerable),
        "wrongly_silent": mean(not quotes for _, _, quotes in asked),
    }


def _quotes(excerpt: Excerpt, question: Question) -> bool:
    return any(_meets(excerpt, gold) for gold in question.gold)


def _is_to_the_point(excerpt: Excerpt, question: Question, passages: Mapping[str, Passage]) -> bool:
    passage = passages[excerpt.chunk_id]
    return any(_meets(excerpt, gold) or holds(passage, gold) for gold in question.gold)


def _meets(span: Span, gold: Gold) -> bool:
    """Whether sentence and gold quote are the same place: half of the shorter one is common to both."""
    common = min(span.end, gold.end) - max(span.start, gold.start)
    return span.source == gold.source and common >= 0.5 * min(span.end - span.start, gold.end - gold.start)
