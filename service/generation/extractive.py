"""Answering without a model: the best sentences of the passages found, quoted with their places.

A sentence is scored by BM25 against the question (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75, the usual values;
frequencies among the candidates), with small bonuses for what its heading and its neighbours say, for coming early, and
for defining what was asked. Maximal marginal relevance (Carbonell and Goldstein, 1998) keeps repetition out. Headings,
tables' rules, code fences and fragments are never quoted; headings lend their words to what stands below them.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from service.generation.port import Excerpt
from service.generation.terms import STOP_WORDS, stem, words
from service.retrieval.port import Passage

_MAX_EXCERPTS = 4
_MIN_EXCERPTS = 2
_K1, _B = 1.2, 0.75
# Beyond the second quote, only sentences of at least this share of the best score.
_WORTH_QUOTING = 0.5
_RELEVANCE = 0.7
_SAME = 0.8
_HEADING_SHARE, _NEIGHBOUR_SHARE = 0.4, 0.15
_EARLY_BONUS, _DEFINITION_BONUS, _RANK_STEP, _QUESTION_SHARE = 0.1, 0.35, 0.6, 0.4
_MIN_WORDS = 4
_MAX_CHARS = 1200

_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)|[^\n]+\n[ \t]{0,3}(?:=+|-{2,})[ \t]*$")
_MARKER = re.compile(r"(?:[ \t]*>)*[ \t]*(?:(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+)?")
_NOT_PROSE = re.compile(r"[ \t]*(?:```|~~~|\|[-:| \t]+\|?$)")
_DEFINES = re.compile(r"\b(?:is|are|means|measures|refers|describes|ist|sind|bedeutet|bezeichnet|misst)\b")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One sentence that may be quoted, with its counted stems and what surrounds it."""

    passage: Passage
    rank: int
    position: int
    start: int
    end: int
    terms: Counter[str]
    heading: frozenset[str]
    length: int


class SentenceExtractor:
    """Implements `Extractor`. The same input gives the same output.

    `floor` (0..1): the share of the question's weight that a sentence and its heading must hold. Words that no passage
    knows weigh most, so that a question about something else stays unanswered rather than half answered.
    """

    def __init__(self, floor: float = 0.15) -> None:
        self._floor = floor

    def extract(self, text: str, passages: Sequence[Passage]) -> tuple[Excerpt, ...]:
        """Two to four sentences, best first; fewer when fewer are about the question at all, none below the floor."""
        asked = _asked(text)
        candidates = _candidates(passages)
        if not asked or not candidates:
            return ()
        weights = _weights(asked, candidates)
        scored = _scored(weights, candidates, self._floor)
        return tuple(_excerpt(candidate, score) for candidate, score in _select(scored))


def _asked(text: str) -> frozenset[str]:
    """Stems of the question. One of stop words alone asks for nothing that could be found."""
    return frozenset(stem(word) for word in words(text) if word not in STOP_WORDS)


def _candidates(passages: Sequence[Passage]) -> list[_Candidate]:
    found: list[_Candidate] = []
    seen: set[tuple[str, int, int]] = set()
    for rank, passage in enumerate(passages):
        heading: frozenset[str] = frozenset()
        for position, span in enumerate(passage.sentences or ((passage.start, passage.end),)):
            sentence = passage.text[span[0] - passage.start : span[1] - passage.start]
            if _HEADING.match(sentence):
                heading = frozenset(map(stem, words(sentence)))
                continue
            start, end, quote = _trimmed(sentence, span[0])
            stems = [stem(word) for word in words(quote)]
            if (passage.document_id, start, end) in seen or not _is_quotable(quote, len(stems)):
                continue
            seen.add((passage.document_id, start, end))
            found.append(_Candidate(passage, rank, position, start, end, Counter(stems), heading, len(stems)))
    return found


def _trimmed(sentence: str, start: int) -> tuple[int, int, str]:
    """Without list or quotation marks in front and white space around; the offsets move along."""
    marker = _MARKER.match(sentence)
    rest = sentence[marker.end() if marker else 0 :]
    kept = rest.strip()
    begin = start + len(sentence) - len(rest.lstrip())
    return begin, begin + len(kept), kept


def _is_quotable(sentence: str, count: int) -> bool:
    return count >= _MIN_WORDS and len(sentence) <= _MAX_CHARS and not _NOT_PROSE.match(sentence)


def _weights(asked: frozenset[str], candidates: Sequence[_Candidate]) -> dict[str, float]:
    """Inverse document frequency of each asked stem among the candidates, in the form that is never negative."""
    total = len(candidates)
    weights: dict[str, float] = {}
    for term in asked:
        holding = sum(term in candidate.terms for candidate in candidates)
        weights[term] = math.log(1 + (total - holding + 0.5) / (holding + 0.5))
    return weights


def _scored(
    weights: dict[str, float], candidates: Sequence[_Candidate], floor: float
) -> list[tuple[_Candidate, float]]:
    """Candidates above the floor with their scores, best first; ties by rank and place."""
    mean = sum(candidate.length for candidate in candidates) / len(candidates)
    own = [_bm25(candidate, weights, mean) for candidate in candidates]
    needed = floor * sum(weights.values())
    scored: list[tuple[_Candidate, float]] = []
    for index, candidate in enumerate(candidates):
        headed = sum(weight for term, weight in weights.items() if term in candidate.heading)
        held = sum(w for term, w in weights.items() if term in candidate.terms or term in candidate.heading)
        if own[index] <= 0 or held < needed:
            continue
        around = max(own[near] for near in (index - 1, index + 1) if 0 <= near < len(own)) if len(own) > 1 else 0.0
        score = own[index] + _NEIGHBOUR_SHARE * around + _HEADING_SHARE * headed
        scored.append((candidate, score * _factor(candidate, weights)))
    scored.sort(key=lambda pair: (-pair[1], pair[0].rank, pair[0].start))
    return scored


def _bm25(candidate: _Candidate, weights: dict[str, float], mean: float) -> float:
    norm = _K1 * (1 - _B + _B * candidate.length / mean)
    score = 0.0
    for term, weight in weights.items():
        frequency = candidate.terms.get(term, 0)
        if frequency:
            score += weight * frequency * (_K1 + 1) / (frequency + norm)
    return score


def _factor(candidate: _Candidate, weights: dict[str, float]) -> float:
    """Place and form: early in a good passage, defining what was asked; a question is seldom an answer."""
    sentence = _text(candidate)
    factor = 1 / (1 + _RANK_STEP * candidate.rank) * (1 + _EARLY_BONUS / (1 + candidate.position))
    opening = words(sentence[:60])[:5]
    if any(stem(word) in weights for word in opening) and _DEFINES.search(sentence[:120].casefold()):
        factor *= 1 + _DEFINITION_BONUS
    return factor * _QUESTION_SHARE if sentence.endswith("?") else factor


def _select(scored: list[tuple[_Candidate, float]]) -> list[tuple[_Candidate, float]]:
    """Maximal marginal relevance: good, and not what has been said already."""
    if not scored:
        return []
    best = scored[0][1]
    chosen: list[tuple[_Candidate, float]] = [scored[0]]
    rest = scored[1:]
    while rest and len(chosen) < _MAX_EXCERPTS:
        margin, index = max((_margin(pair, chosen, best), -place) for place, pair in enumerate(rest))
        pair = rest.pop(-index)
        if margin == -math.inf:
            break
        if len(chosen) >= _MIN_EXCERPTS and pair[1] < _WORTH_QUOTING * best:
            continue
        chosen.append(pair)
    return sorted(chosen, key=lambda pair: -pair[1])


def _margin(pair: tuple[_Candidate, float], chosen: list[tuple[_Candidate, float]], best: float) -> float:
    likeness = max(_likeness(pair[0], other) for other, _ in chosen)
    return -math.inf if likeness > _SAME else _RELEVANCE * pair[1] / best - (1 - _RELEVANCE) * likeness


def _likeness(one: _Candidate, other: _Candidate) -> float:
    """Share of common stems (Jaccard)."""
    common = len(one.terms.keys() & other.terms.keys())
    return common / (len(one.terms) + len(other.terms) - common)


def _text(candidate: _Candidate) -> str:
    offset = candidate.passage.start
    return candidate.passage.text[candidate.start - offset : candidate.end - offset]


def _excerpt(candidate: _Candidate, score: float) -> Excerpt:
    passage = candidate.passage
    return Excerpt(
        text=_text(candidate),
        source=passage.source,
        document_id=passage.document_id,
        chunk_id=passage.chunk_id,
        start=candidate.start,
        end=candidate.end,
        score=round(score, 6),
    )
