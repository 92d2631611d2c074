"""Plain text and Markdown: decoded and cleaned, otherwise as they are."""

import re

from service.corpus.loaders.cleaning import clean, drop_comments
from service.corpus.loaders.port import LoadedDocument, MediaType

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TITLE_FIELD = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+)$", re.MULTILINE)
_MAX_TITLE_CHARS = 120


def load_plain(name: str, text: str) -> LoadedDocument:
    """A text file; its title is its first line when that is short and stands alone, else its name."""
    cleaned = clean(text)
    first, _, rest = cleaned.partition("\n")
    alone = len(first) <= _MAX_TITLE_CHARS and (not rest or rest.startswith("\n")) and not first.endswith((".", ","))
    return LoadedDocument(cleaned, MediaType.PLAIN, title_of(name, first if alone and rest else ""))


def load_markdown(name: str, text: str) -> LoadedDocument:
    """Markdown without front matter and comments, which no reader of the rendered page sees."""
    cleaned = clean(drop_comments(text))
    front = _FRONT_MATTER.match(cleaned)
    named = _TITLE_FIELD.search(front.group(1)) if front else None
    if front:
        cleaned = cleaned[front.end() :].strip("\n")
    heading = _HEADING.search(cleaned[:20000])
    found = named.group(1).strip("\"' ") if named else heading.group(1).rstrip("# \t") if heading else ""
    return LoadedDocument(cleaned, MediaType.MARKDOWN, title_of(name, found))


def title_of(name: str, found: str) -> str:
    """`found` on one line and not too long; without it the file's name, without folders and suffix."""
    title = " ".join(clean(found[:2000]).split())
    if title:
        return title[:_MAX_TITLE_CHARS]
    base = name.rpartition("/")[2]
    return (base.rpartition(".")[0] or base)[:_MAX_TITLE_CHARS] or "document"
