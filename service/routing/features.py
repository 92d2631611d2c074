"""What the policies read from a question's text. Pure, linear in the text's length, no state.

The indicators and technical terms are the seed's own lists, but matched as whole words: a substring match finds "rsi"
in "university" and "trend" in "trendy". Inflections count only as far as the lists hold them ("strategy" is there,
"strategies" is not), because the seed's thresholds were written for these lists; forms beyond them belong to the
scored policy's lexicon. As in the original, an indicator counts once however often it occurs.

Text is brought to NFKC and case-folded first, and white space runs become one space, so that case, full-width
characters and line breaks never change a decision.
"""

import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass

from service.routing.kind import is_code
from service.routing.port import Features

COMPLEX_INDICATORS = (
    "analyze", "compare", "explain", "evaluate", "research", "strategy", "technical", "fundamental", "backtest",
    "correlation", "regression", "optimization",
)  # fmt: skip
RESEARCH_INDICATORS = (
    "comprehensive", "detailed", "thorough", "in-depth", "extensive", "complete", "full analysis",
)  # fmt: skip
TECHNICAL_TERMS = (
    "rsi", "macd", "bollinger", "vwap", "support", "resistance", "momentum", "volatility", "trend", "breakout",
    "reversal",
)  # fmt: skip

# The longest question the service takes; what lies beyond, or is blown up beyond it by NFKC, is not read.
READ_CHARS = 8000

_WORD = re.compile(r"[^\W_]+")
# The hyphens of the world (soft, non-breaking, figure dash...) as they remain after NFKC.
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-") | {"\u00ad": None, "\u200b": None})


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as read. The tuples hold the words that were found, in the order of the lists above.

    `folded` is the normalised text, `tokens` its words in order; punctuation and underscores part words.
    """

    folded: str
    tokens: tuple[str, ...]
    features: Features
    complex_indicators: tuple[str, ...]
    research_indicators: tuple[str, ...]
    technical_terms: tuple[str, ...]


def extract(text: str) -> Features:
    """The features alone."""
    return read(text).features


def read(text: str) -> Reading:
    """Total: any string, however odd, has a reading. `words` are parts between white space, as in the seed."""
    stripped = text.strip()
    normal = unicodedata.normalize("NFKC", stripped[:READ_CHARS])[:READ_CHARS].translate(_HYPHENS)
    parts = normal.casefold().split()
    folded = " ".join(parts)
    tokens = tuple(_WORD.findall(folded))
    known = frozenset(tokens)
    complex_found = _found(COMPLEX_INDICATORS, folded, known)
    research_found = _found(RESEARCH_INDICATORS, folded, known)
    technical_found = _found(TECHNICAL_TERMS, folded, known)
    features = Features(
        words=len(parts),
        chars=len(stripped),
        question_marks=folded.count("?"),
        complex_indicators=len(complex_found),
        research_indicators=len(research_found),
        technical_terms=len(technical_found),
        code=is_code(folded, known),
    )
    return Reading(folded, tokens, features, complex_found, research_found, technical_found)


def _found(indicators: tuple[str, ...], folded: str, known: Set[str]) -> tuple[str, ...]:
    return tuple(word for word in indicators if word in known or (not word.isalnum() and _has_phrase(folded, word)))


def _has_phrase(folded: str, phrase: str) -> bool:
    """Whether `phrase` stands in the text as whole words: no letter or digit touches its ends."""
    at = folded.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not (folded[at - 1 : at].isalnum() or folded[end : end + 1].isalnum()):
            return True
        at = folded.find(phrase, at + 1)
    return False
