"""Making extracted text plain: no hidden characters, one kind of line end, no runs of blank lines.

A reader must see all that a model sees, so whatever is invisible goes: it is the usual carrier of instructions smuggled
into documents. The class below is Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt: zero-width
characters, bidi controls, soft hyphen, tags, variation selectors, fillers), control characters, lone surrogates,
private use and interlinear annotation. Cost: joined emoji fall apart, and scripts that use joiners lose them.
"""

import re
import unicodedata

_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CONTROL = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_UNREADABLE = "\u2800\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff"
HIDDEN = re.compile(f"[{_IGNORABLE}{_CONTROL}{_UNREADABLE}]")

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S \n\t]")
# More than 30 marks on one letter is no writing (UAX #15, stream-safe text), and NFC sorts them in quadratic time.
_MAX_MARKS = 30
_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")
_BLANKS = re.compile(r"\n{3,}")
_COMMENT_OPEN, _COMMENT_CLOSE = "<!--", "-->"

# PDF fonts leave ligatures, which a search would miss, and Symbol's bullet, which is in the private area.
_READABLE = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
        "\uf0b7": "\u2022",
    }
)


def clean(text: str) -> str:
    """Text as a reader sees it. Linear in its length, and the same again when applied twice."""
    text = _LINE_ENDS.sub("\n", text.translate(_READABLE))
    text = _SPACES.sub(" ", HIDDEN.sub("", text))
    # After the hidden characters went, marks may meet their letters.
    text = unicodedata.normalize("NFC", _MARKS.sub(_fewer_marks, text))
    # Line by line: a pattern for trailing blanks takes quadratic time on a long run of them.
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANKS.sub("\n\n", text).strip("\n")


def _fewer_marks(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in run.group():
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def drop_comments(text: str) -> str:
    """Without `<!-- ... -->`, which no reader of rendered Markdown sees. An unclosed one stays, for it is shown."""
    kept: list[str] = []
    position = 0
    while (start := text.find(_COMMENT_OPEN, position)) >= 0:
        end = text.find(_COMMENT_CLOSE, start + len(_COMMENT_OPEN))
        if end < 0:
            break
        kept.append(text[position:start])
        position = end + len(_COMMENT_CLOSE)
    kept.append(text[position:])
    return "".join(kept)
