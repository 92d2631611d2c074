"""The name under which a document is kept and shown.

The rule: a plain relative path with forward slashes stays as it is, so that two files called `notes.md` in different
folders remain two documents. Anything else (absolute, `..`, a drive letter, a backslash, a control or hidden
character, more than 255 bytes) is reduced to a cleaned base name of at most 255 bytes. A name that has nothing left
becomes `document`. The name is a label only: no file is ever opened or written under it.
"""

import re
import unicodedata

from service.corpus.loaders.cleaning import HIDDEN

MAX_SOURCE_BYTES = 255
UNNAMED = "document"

_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"^[A-Za-z]:")
# Characters that would change meaning in a log line, a header, a shell or a page.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*]|[^\S ]')


def safe_source(name: str) -> str:
    """A label that can neither leave a folder nor deceive a reader. Idempotent; never empty, never fails."""
    if _is_plain(name):
        return name
    parts = [_clean(part) for part in _SEPARATORS.split(_DRIVE.sub("", name))]
    kept = [part for part in parts if part not in {"", ".", ".."}]
    return _shorten(kept[-1]) if kept else UNNAMED


def _is_plain(name: str) -> bool:
    if not name or "\\" in name or len(name.encode("utf-8", "surrogatepass")) > MAX_SOURCE_BYTES:
        return False
    return all(part not in {"", ".", ".."} and part == _clean(part) for part in name.split("/"))


def _clean(part: str) -> str:
    part = unicodedata.normalize("NFC", HIDDEN.sub("", part))
    return _UNSAFE.sub("_", part).strip(" ")


def _shorten(base: str) -> str:
    """Cut the stem, not the suffix: the suffix tells Markdown from plain text."""
    if len(base.encode()) <= MAX_SOURCE_BYTES:
        return base
    stem, dot, suffix = base.rpartition(".")
    if not dot or not stem or len(suffix.encode()) > 16:
        stem, dot, suffix = base, "", ""
    room = MAX_SOURCE_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(" ") + dot + suffix
