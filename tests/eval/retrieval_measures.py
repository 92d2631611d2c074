"""Figures about retrieval and quotation on questions with gold quotes. Pure; each figure's meaning is in its docstring.

A gold quote is a verbatim piece of one document. Something found holds it when it covers at least half of the quote's
characters: chunk boundaries differ between runs, quotes do not.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

QUESTIONS = Path(__file__).with_name("questions.jsonl")
SPLITS = ("dev", "test")
DEPTH = 10
_COVERED = 0.5


@dataclass(frozen=True, slots=True)
class Gold:
    """Where one quote stands: [start, end) in the extracted text of `source`."""

    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Question:
    """One labelled question; unanswerable ones have no gold. Even ids are the dev half, odd ones the test half."""

    id: str
    text: str
    gold: tuple[Gold, ...]
    tags: tuple[str, ...]

    @property
    def answerable(self) -> bool:
        return bool(self.gold)

    @property
    def split(self) -> str:
        return SPLITS[int(self.id.removeprefix("q")) % 2]


class Span(Protocol):
    """A found piece of a document: a passage or a quoted sentence."""

    @property
    def source(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


def load_questions(texts: Mapping[str, str], path: Path = QUESTIONS) -> list[Question]:
    """Every question, its quotes located in `texts` (extracted text by source). Raises on a quote that is not there."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Question(
            row["id"],
            row["question"],
            tuple(locate(texts[gold["source"]], gold["quote"], gold["source"]) for gold in row["gold"]),
            tuple(row["tags"]),
        )
        for row in rows
    ]


def locate(text: str, quote: str, source: str) -> Gold:
    """The quote's place, whatever white space the text has between its words. Raises `ValueError`."""
    found = re.search(r"\s+".join(map(re.escape, quote.split())), text)
    if found is None:
        raise ValueError(f"{source} does not hold the quote: {quote}")
    return Gold(source, *found.span())


def holds(span: Span, gold: Gold) -> bool:
    """Whether the span covers at least half of the quote."""
    common = min(span.end, gold.end) - max(span.start, gold.start)
    return span.source == gold.source and common >= _COVERED * (gold.end - gold.start)


def ranks(found: Sequence[Span], question: Question) -> list[int]:
    """Rank (from 1) of the first hit of each gold quote that was found."""
    firsts = (next((rank for rank, span in enumerate(found, 1) if holds(span, gold)), 0) for gold in question.gold)
    return [rank for rank in firsts if rank]


def recall(found: Sequence[Span], question: Question, depth: int) -> float:
    """Share of the gold quotes among the first `depth`."""
    return sum(rank <= depth for rank in ranks(found, question)) / len(question.gold)


def reciprocal_rank(found: Sequence[Span], question: Question) -> float:
    """1 / rank of the first hit of any gold quote; 0 without one."""
    return max((1 / rank for rank in ranks(found, question)), default=0.0)


def ndcg(found: Sequence[Span], question: Question, depth: int = DEPTH) -> float:
    """Normalised discounted cumulative gain (Jarvelin and Kekalainen, 2002); each gold quote gains once."""
    gained = sum(1 / math.log2(rank + 1) for rank in ranks(found, question) if rank <= depth)
    return min(1.0, gained / sum(1 / math.log2(place + 1) for place in range(1, min(depth, len(question.gold)) + 1)))


def mean(values: Iterable[float]) -> float:
    """Rounded to what the sample can carry; 0 without values."""
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


def by_tag(questions: Iterable[Question], value: Callable[[Question], float]) -> dict[str, float]:
    """Mean of `value` for each tag, by name."""
    tagged: dict[str, list[float]] = {}
    for question in questions:
        for tag in question.tags:
            tagged.setdefault(tag, []).append(value(question))
    return {tag: mean(values) for tag, values in sorted(tagged.items())}
