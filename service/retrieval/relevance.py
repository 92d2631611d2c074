"""Whether what was found is about the question at all: the number that the floor is compared with. Pure.

`coverage` is the share of the question's meaning that the best passage holds: stems of the question, each weighted by
how few of the candidates hold it (inverse document frequency). A word that no candidate knows weighs most, so a
question about something else stays below the floor, whatever common words it shares with the documents. A long word
that nobody knows may be a known one misspelt.

`standout` says how much nearer the nearest vector is than the last of the candidates, as a share of the latter's
distance. Unlike a distance it means the same for every embedder. A paraphrase covers few words but stands out; it adds
to the coverage and never takes away.

Constants and floor were chosen on the dev half of `tests/eval/questions.jsonl`; `docs/evaluation/retrieval.md` shows
both halves.
"""

import math
from collections.abc import Sequence

from service.generation.terms import STOP_WORDS, stem, words
from service.retrieval.port import Passage

# A question counts as at most this many words that nobody knows: in a long one, most words only surround the question.
_MOST_WORDS = 4.0
# Shorter words have too many neighbours: "print" is no "point".
_LEAST_MISSPELT = 6
_USUAL_STANDOUT = 0.15
_STANDOUT_WEIGHT = 1.5


def relevance(text: str, passages: Sequence[Passage], distances: Sequence[float], pool: int) -> float:
    """0 (nothing in common) to about 1, above it with vectors that stand out. `pool` is how many candidates of an index
    were asked for; `distances` are in rising order, empty without vectors."""
    return coverage(text, passages, pool) + _STANDOUT_WEIGHT * max(0.0, standout(distances) - _USUAL_STANDOUT)


def coverage(text: str, passages: Sequence[Passage], pool: int) -> float:
    """The best passage's share of the question's meaning, 0..1."""
    found = [set(map(stem, set(words(passage.text)))) for passage in passages]
    known = set().union(*found)
    meant = {_meant(stem(word), known) for word in words(text) if word not in STOP_WORDS}
    held = [meant & terms for terms in found]
    # As if `pool` passages had been found, or in a corpus of one passage every word that it holds would weigh nothing.
    total = max(pool, len(held))
    weights = {term: _weight(total, sum(term in terms for terms in held)) for term in meant}
    needed = min(sum(weights.values()), _MOST_WORDS * _weight(total, 0))
    if not needed:
        return 0.0
    return min(1.0, max((sum(weights[term] for term in terms) for terms in held), default=0.0) / needed)


def standout(distances: Sequence[float]) -> float:
    """0 (all equally far, or fewer than two) to 1 (the nearest is the question itself)."""
    if len(distances) < 2 or distances[-1] <= 0:
        return 0.0
    return 1 - max(0.0, distances[0]) / distances[-1]


def _meant(term: str, known: set[str]) -> str:
    """The term, or when no candidate knows it, one that they know and that is a slip of the keyboard away."""
    if term in known or len(term) < _LEAST_MISSPELT:
        return term
    alike = [other for other in known if other[0] == term[0] and _is_slip(term, other)]
    return min(alike, default=term)


def _is_slip(one: str, other: str) -> bool:
    """Whether one letter is missing, too many or another, or two neighbours are swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    shortest = min(len(one), len(other))
    at = next((place for place in range(shortest) if one[place] != other[place]), shortest)
    if len(one) == len(other):
        swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
        return swapped or one[at + 1 :] == other[at + 1 :]
    shorter, longer = sorted((one, other), key=len)
    return shorter[at:] == longer[at + 1 :]


def _weight(total: int, holding: int) -> float:
    """Inverse document frequency in the form that is never negative (as in BM25 of Lucene)."""
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))
