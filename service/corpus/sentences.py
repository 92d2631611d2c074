"""Where sentences begin and end: offsets into a document's text, found once, at ingestion.

Blocks come first (headings, list items, table rows, code lines, paragraphs), then `sentencex` splits each block. Spans
are verbatim, ordered, do not overlap, and hold every character that is not white space.

`sentencex` is quick (about 20 us for 900 characters) but has three traps, each met here: it panics on white space that
is more than one byte long, it takes quadratic time on long lines, and it splits at full stops without a space after
them ("pandas.DataFrame"). It therefore sees a copy in which every white space is one ASCII blank, in bounded windows,
and its boundaries are checked again.
"""

import re
from collections.abc import Iterator

from sentencex import segment

Span = tuple[int, int]

# Longest piece handed over at once. 10,000 unclosed quotation marks take about 50 ms, and the time is quadratic.
_WINDOW_CHARS = 4000

_UNSAFE = re.compile(r"[^\S ]|[\ud800-\udfff]")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r"[ \t]{0,3}(?:=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_OWN_LINE = re.compile(r"[ \t]*(?:\||(?:[-*_][ \t]*){3,}$)")
_ITEM = re.compile(r"[ \t>]*(?:[-*+\u2022]|(\d{1,3})[.)])[ \t]+")
_CLOSERS = "\"')]}\u201d\u2019\u00bb\u203a*_` "
# Beyond what `sentencex` knows: abbreviations after which no sentence ends, and those that bind only to a number.
_BINDS = re.compile(
    r"(?:^|[\s(\[])(?:approx|excl|incl|resp|ca|fa|vgl|inkl|exkl|zzgl|evtl|ggf|bzw|sog|cf|vs|"
    r"z\.\s?B|d\.\s?h|u\.\s?a|i\.\s?d\.\s?R|e\.g|i\.e)\.$",
    re.IGNORECASE,
)
_BINDS_NUMBER = re.compile(
    r"(?:^|[\s(\[])(?:no|nr|fig|figs|eq|sec|ch|abs|abb|kap|tab|p|pp|s|vol|bd|max|min|avg|est)\.$", re.IGNORECASE
)
_GERMAN = re.compile(
    r"\b(?:der|die|das|und|ist|nicht|ein|eine|mit|von|den|wird|auf|f\u00fcr|sich|dem)\b", re.IGNORECASE
)
_ENGLISH = re.compile(r"\b(?:the|and|is|of|to|not|with|that|for|are|this|from|by|on|it|be)\b", re.IGNORECASE)


def split(text: str, language: str = "en") -> tuple[Span, ...]:
    """(start, end) of every sentence, without surrounding white space. Never raises, whatever the text."""
    spans: list[Span] = []
    for start, end, prose in _blocks(text):
        spans.extend(_sentences(text, start, end, language) if prose else _trimmed(text, start, end))
    return tuple(spans)


def is_heading(span_text: str) -> bool:
    """Whether a span from `split` is a Markdown heading (`# ...`, or underlined)."""
    if _HEADING.match(span_text):
        return True
    first, newline, underline = span_text.partition("\n")
    return bool(newline and first.strip() and _UNDERLINE.match(underline))


def guess_language(text: str) -> str:
    """`de` or `en`, by counting function words in the first 4,000 characters; `en` when in doubt."""
    sample = text[:4000]
    return "de" if len(_GERMAN.findall(sample)) > len(_ENGLISH.findall(sample)) else "en"


def _blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """(start, end, is it prose) of each block, in order."""
    open_at = -1
    fenced = False
    for start, end in _lines(text):
        line = text[start:end]
        fence = bool(_FENCE.match(line))
        if open_at >= 0 and _UNDERLINE.match(line) and _is_one_line(text, open_at, start - 1):
            yield open_at, end, False
            open_at = -1
            continue
        blank = not line.strip()
        alone = fence or fenced or bool(_HEADING.match(line) or _OWN_LINE.match(line))
        fenced ^= fence
        if open_at >= 0 and (blank or alone or _interrupts(line, text, open_at)):
            yield open_at, start, True
            open_at = -1
        if alone and not blank:
            yield start, end, False
        elif open_at < 0 and not blank:
            open_at = start
    if open_at >= 0:
        yield open_at, len(text), True


def _is_one_line(text: str, start: int, end: int) -> bool:
    """Whether an underline makes a heading of [start, end): exactly one line that is no list item."""
    return text.find("\n", start, end) < 0 and not _ITEM.match(text, start, end)


def _interrupts(line: str, text: str, open_at: int) -> bool:
    """Whether a list item starts here. In a paragraph only number 1 starts a list: "on May\n3. it fell" is prose."""
    item = _ITEM.match(line)
    return item is not None and (item.group(1) in {None, "1"} or _ITEM.match(text, open_at) is not None)


def _lines(text: str) -> Iterator[Span]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if left < right:
        yield left, right


def _sentences(text: str, start: int, end: int, language: str) -> Iterator[Span]:
    """Split one block of prose, window by window; the last sentence of a window is looked at again with more text."""
    marker = _ITEM.match(text, start, end)
    begin = start
    position = marker.end() if marker else start
    while position < end:
        stop = min(position + _WINDOW_CHARS, end)
        cuts = _cuts(_UNSAFE.sub(" ", text[position:stop]), language)
        if stop < end and len(cuts) > 1:
            cuts.pop()
        for cut in cuts:
            yield from _trimmed(text, begin, position + cut)
            begin = position + cut
        position = begin
    yield from _trimmed(text, begin, end)


def _cuts(piece: str, language: str) -> list[int]:
    """Ends of the sentences in `piece`; the last one is its length."""
    cuts: list[int] = []
    position = 0
    for part in _parts(piece, language):
        position += len(part)
        if position < len(piece) and _is_boundary(piece, position, part):
            cuts.append(position)
    cuts.append(len(piece))
    return cuts


def _parts(piece: str, language: str) -> list[str]:
    try:
        return list(segment(language, piece))
    except BaseException as error:
        # A panic of the library is no `Exception`, and would end the service rather than one piece's splitting.
        if type(error).__name__ != "PanicException":
            raise
        return [piece]


def _is_boundary(piece: str, position: int, part: str) -> bool:
    stripped = part.rstrip(_CLOSERS)
    if not stripped.endswith("."):
        return not stripped.endswith(("!", "?")) or piece[position - 1].isspace()
    if not piece[position - 1].isspace() or _BINDS.search(stripped[-12:]):
        return False
    return not (piece[position].isdigit() and _BINDS_NUMBER.search(stripped[-12:]))
