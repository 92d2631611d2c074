"""The words of a question as FTS5 phrases. Pure.

Every term is quoted, so that nothing a user writes is FTS5 syntax. Words that are written as one ("e-mini", "S&P",
"0.25") are looked for as a phrase, and their longer parts also alone. Stop words carry no meaning and match nearly
everything.
"""

import re

from service.generation.terms import STOP_WORDS

# A question of 8,000 characters holds a thousand words; the first ones say what it is about.
MAX_TERMS = 48

_WORD = re.compile(r"[^\W_]+(?:[-&/.,:'\u2019][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_MIN_PART = 3


def query_terms(text: str) -> tuple[str, ...]:
    """Quoted phrases without repeats, in order; empty when only stop words were asked."""
    terms: dict[str, None] = {}
    # Not case folded: that would turn the \u00df of "gr\u00f6\u00dfer" into ss, which FTS5 does not do.
    for word in _WORD.findall(text.lower()):
        for term in _terms(word):
            terms[f'"{term}"'] = None
            if "\u00df" in term:
                terms[f'"{term.replace(chr(0xDF), "ss")}"'] = None
        if len(terms) >= MAX_TERMS:
            break
    return tuple(terms)[:MAX_TERMS]


def _terms(word: str) -> list[str]:
    parts = _PART.findall(word)
    if len(parts) == 1:
        return [] if word in STOP_WORDS else [word]
    alone = [part for part in parts if len(part) >= _MIN_PART and part not in STOP_WORDS]
    # "what's" and "trader's" are no compounds, and "and/or" holds nothing to look for.
    is_phrase = "'" not in word and "\u2019" not in word and not all(part in STOP_WORDS for part in parts)
    return [" ".join(parts), *alone] if is_phrase else alone
