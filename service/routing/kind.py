"""The second axis of a question: does its answer have to read, write or mend code?

Owns that one yes or no. A question *about* programming that words alone answer ("What does def mean in Python?") is
not code. Two ways lead to yes: the text holds code (a fence, a traceback, a dotted call, an operator that prose does
not use), or it asks for some (a language's name together with a word for making or for the thing made).

Works on case-folded text, so that case never changes the answer. Every pattern is bounded and starts at a word
boundary: the work is linear in the length of the text, whatever the text is.
"""

import re
from collections.abc import Set

from service.routing.lexicon import word_set

# Each pattern beside the sign without which it cannot match: most questions hold none of them and skip the search.
_CODE_BY_SIGN = (
    ("(", re.compile(r"\b(?:def|func|fn|class)\s{1,3}\w{1,64}\(")),  # a definition
    ("(", re.compile(r"\b\w{1,40}[._]\w{1,40}\(")),  # df.groupby(, parse_tick(
    # Calls that share no name with an indicator, unlike RSI(14).
    ("(", re.compile(r"\b(?:print|printf|len|range|isinstance|enumerate|require)\(")),
    ("error", re.compile(r"\b[a-z]{3,40}error\b")),  # ZeroDivisionError as one word
    ("exception", re.compile(r"\b[a-z]{3,40}exception\b")),
    ("=", re.compile(r"\w\s?[+*/-]?=\s?[\[{\"']")),  # x = [..., s = "..."
    ("=", re.compile(r"(?<![=!])[=!]=(?!=)")),  # comparison; a row of equals signs is a headline
)
_IN_GO = re.compile(r"\bin go\b")
_INLINE = re.compile(r"`([^`\n]{1,400})`")
_CODE_CHARACTERS = frozenset("=(){}[];<>|$")

_LANGUAGES = word_set(
    "python pandas numpy polars asyncio sql postgres postgresql mysql sqlite clickhouse javascript typescript nodejs"
    " java kotlin rust golang bash powershell pine pinescript matlab mql4 mql5 easylanguage ninjascript vba excel php"
    " ruby perl scala julia haskell html css"
)
_LANGUAGE_SIGNS = ("c++", "c#")
_MAKING = word_set(
    "write code coding implement implementation function script query formula class classes loop program refactor"
    " debug fix snippet liner parse build module modules schema schreib schreibe schreiben programmiere programmieren"
    " implementiere programm funktion skript abfrage formel klasse kernklassen schleife behebe beheben vectorise"
    " vectorize vektorisiere schemata system bot app engine"
    " platform framework plattform handelssystem handelsbot"
)
_ASKS_FOR_CODE = word_set(
    "regex regexp refactor crontab quelltext quellcode codebase stacktrace programmcode programmieren"
)
_CODE_PHRASES = (
    "```",
    "traceback (most recent call last)",
    "source code",
    "code base",
    "unit test",
    "unit-test",
    "stack trace",
    "pine script for",
    "detached head",
)
_SQL_CLAUSES = ("group by", "order by", "select *", " join ", ";")


def is_code(folded: str, tokens: Set[str]) -> bool:
    """`folded` is the normalised, case-folded text, `tokens` its words without underscores or punctuation."""
    if not tokens.isdisjoint(_ASKS_FOR_CODE) or any(phrase in folded for phrase in _CODE_PHRASES):
        return True
    if not tokens.isdisjoint(_MAKING) and _names_language(folded, tokens):
        return True
    return _holds_sql(folded) or _holds_inline_code(folded) or _holds_statement(folded)


def _names_language(folded: str, tokens: Set[str]) -> bool:
    """Go is a word before it is a language, so it counts after "in" alone."""
    return (
        not tokens.isdisjoint(_LANGUAGES)
        or any(sign in folded for sign in _LANGUAGE_SIGNS)
        or ("go" in tokens and _IN_GO.search(folded) is not None)
    )


def _holds_sql(folded: str) -> bool:
    """A statement, told from "select a broker from the list" by a clause that prose does not use."""
    return "select " in folded and " from " in folded and any(clause in folded for clause in _SQL_CLAUSES)


def _holds_statement(folded: str) -> bool:
    return any(sign in folded and pattern.search(folded) is not None for sign, pattern in _CODE_BY_SIGN)


def _holds_inline_code(folded: str) -> bool:
    return any(not _CODE_CHARACTERS.isdisjoint(span) for span in _INLINE.findall(folded))
