"""The sample corpus and its evaluation questions fit together: every gold quote can be found, once, in its document."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "documents"
QUESTIONS = ROOT / "tests" / "eval" / "questions.jsonl"
PROSE = {".md", ".txt"}
# A cell of a table or an entry of a list is shorter than a sentence.
SHORTEST_PROSE_QUOTE, SHORTEST_QUOTE, LONGEST_QUOTE = 40, 8, 250


@cache
def questions() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines())


@cache
def words_of(source: str) -> str:
    """The text of a document with every run of white space as one blank."""
    path = DOCUMENTS / source
    if path.suffix == ".pdf":
        text = "\n".join(page.extract_text() for page in PdfReader(path).pages)
    elif path.suffix == ".html":
        body = LexborHTMLParser(path.read_text(encoding="utf-8")).body
        text = body.text() if body is not None else ""
    else:
        text = path.read_text(encoding="utf-8")
    return " ".join(text.split())


def sources() -> list[str]:
    return sorted(path.name for path in DOCUMENTS.iterdir())


def test_the_corpus_has_at_least_forty_documents_of_every_kind() -> None:
    kinds = Counter(Path(name).suffix for name in sources())

    assert sum(kinds.values()) >= 40
    assert set(kinds) == {".md", ".txt", ".html", ".csv", ".json", ".pdf"}


@pytest.mark.parametrize("source", sources())
def test_a_document_is_named_for_its_topic_and_long_enough_to_be_worth_reading(source: str) -> None:
    stem = Path(source).stem
    assert stem == stem.lower()
    assert set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 250 <= len(words_of(source).split()) <= 900


@pytest.mark.parametrize("source", [name for name in sources() if name.endswith(".md")])
def test_a_markdown_document_has_one_title_and_sections(source: str) -> None:
    lines = (DOCUMENTS / source).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.startswith("# ")] == [lines[0]]
    assert sum(line.startswith("## ") for line in lines) >= 3


def test_there_are_enough_questions_and_no_two_are_the_same() -> None:
    ids = Counter(question["id"] for question in questions())
    asked = Counter(question["question"].casefold() for question in questions())

    assert len(questions()) >= 145
    assert max(ids.values()) == 1
    assert max(asked.values()) == 1


def test_a_share_of_the_questions_cannot_be_answered_and_says_so_by_having_no_gold() -> None:
    unanswerable = [question for question in questions() if question["kind"] == "unanswerable"]

    assert len(unanswerable) >= 20
    assert all(question["gold"] == [] for question in unanswerable)


@pytest.mark.parametrize("question", questions(), ids=lambda question: question["id"])
def test_a_question_is_well_formed_and_every_gold_quote_occurs_once(question: dict[str, Any]) -> None:
    assert set(question) == {"id", "question", "kind", "gold", "tags"}
    assert question["kind"] in {"answerable", "unanswerable"}
    assert question["question"].strip()
    assert question["tags"]
    assert bool(question["gold"]) == (question["kind"] == "answerable")
    for gold in question["gold"]:
        quote = gold["quote"]
        shortest = SHORTEST_PROSE_QUOTE if Path(gold["source"]).suffix in PROSE else SHORTEST_QUOTE
        assert shortest <= len(quote) <= LONGEST_QUOTE
        assert words_of(gold["source"]).count(" ".join(quote.split())) == 1


def test_a_comparison_needs_passages_of_two_documents() -> None:
    comparisons = [question for question in questions() if "comparison" in question["tags"]]

    assert len(comparisons) >= 5
    assert all(len({gold["source"] for gold in question["gold"]}) == 2 for question in comparisons)


def test_every_document_answers_at_least_one_question() -> None:
    golden = {gold["source"] for question in questions() for gold in question["gold"]}

    assert set(sources()) - golden == set()
    assert golden - set(sources()) == set()
