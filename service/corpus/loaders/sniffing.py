"""What a file is, by its content.

The rule: PDF, HTML, JSON and everything binary are told by content, whatever the name says. Only among files that are
plain text anyway does the suffix decide between Markdown, CSV and prose. A name that promises what the content does not
hold (`.pdf` without a PDF inside) is refused, since it is more likely damaged than misnamed.
"""

import json
import re

from service.corpus.loaders.port import MediaType
from service.errors import UnsupportedDocument

# First bytes of what people try to add, and what to tell them.
_BINARIES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Office file; unpack it, or export it as PDF or text"),
    (b"PK\x05\x06", "an empty ZIP archive; add the files themselves"),
    (b"\x1f\x8b", "a gzip archive; unpack it and add the files in it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it and add the files in it"),
    (b"Rar!", "a RAR archive; unpack it and add the files in it"),
    (b"BZh", "a bzip2 archive; unpack it and add the files in it"),
    (b"\xfd7zXZ", "an xz archive; unpack it and add the files in it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it and add the files in it"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; export it as PDF or text"),
    (b"{\\rtf", "an RTF file; save it as text or PDF"),
    (b"%!PS", "a PostScript file; convert it to PDF"),
    (b"\x89PNG", "a picture; run text recognition (OCR) and add its text"),
    (b"\xff\xd8\xff", "a picture; run text recognition (OCR) and add its text"),
    (b"GIF8", "a picture; run text recognition (OCR) and add its text"),
    (b"SQLite format 3", "a database; export what it holds as CSV"),
    (b"\x7fELF", "a program, not a document"),
    (b"MZ\x90", "a program, not a document"),
    (b"GGUF", "a model, not a document"),
)
_PDF_HEADER = b"%PDF-"
# Readers accept a PDF header within the first 1,024 bytes (PDF 1.7, Annex H, note 13).
_PDF_HEADER_WITHIN = 1024
_LOOK_CHARS = 4096
_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|main|article|section|header|nav|div|p|h[1-6]|"
    r"table|ul|ol|template|span|center|form)\b",
    re.IGNORECASE,
)
_LEADING = re.compile(r"\s*(?:<!--.{0,2000}?-->\s*)*", re.DOTALL)
_SUFFIXES = {
    "md": MediaType.MARKDOWN,
    "markdown": MediaType.MARKDOWN,
    "mdx": MediaType.MARKDOWN,
    "csv": MediaType.CSV,
    "tsv": MediaType.CSV,
}


def suffix_of(name: str) -> str:
    """Lower-case suffix without its dot; empty when there is none."""
    base = name.rpartition("/")[2]
    return base.rpartition(".")[2].lower() if "." in base else ""


def sniff_bytes(name: str, content: bytes) -> MediaType | None:
    """PDF, or None for what must be text. Raises `UnsupportedDocument` for empty and known binary files."""
    if not content.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x0b\x0c\x00"):
        raise UnsupportedDocument(f"{name} is empty; there is nothing to find in it")
    if _is_pdf(content):
        return MediaType.PDF
    for magic, what in _BINARIES:
        if content.startswith(magic):
            raise UnsupportedDocument(f"{name} is {what}")
    if suffix_of(name) == "pdf":
        raise UnsupportedDocument(f"{name} is not a PDF, though its name says so; it may be damaged: get it again")
    return None


def _is_pdf(content: bytes) -> bool:
    if content[:_LOOK_CHARS].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_PDF_HEADER):
        return True
    # A text about PDFs may name the header near its top; it has no cross-reference table.
    return _PDF_HEADER in content[:_PDF_HEADER_WITHIN] and b"startxref" in content


def sniff_text(name: str, text: str) -> MediaType:
    """The kind of a decoded text. Raises `UnsupportedDocument` for XML that is not a web page."""
    suffix = suffix_of(name)
    leading = _LEADING.match(text)
    start = leading.end() if leading else 0
    head = text[start : start + _LOOK_CHARS]
    if head[:1] in {"{", "["} and _is_json(suffix, text):
        return MediaType.JSON
    if suffix == "json":
        return MediaType.JSON
    if head.lower().startswith("<?xml") and not re.search(r"<html\b", head, re.IGNORECASE):
        raise UnsupportedDocument(f"{name} is XML, which is not read; export it as HTML, text or PDF")
    if head.startswith("<") and _is_html(suffix, head):
        return MediaType.HTML
    if suffix in {"html", "htm", "xhtml"} and _HTML.search(head):
        return MediaType.HTML
    return _SUFFIXES.get(suffix, MediaType.PLAIN)


def _is_html(suffix: str, head: str) -> bool:
    # Markdown may open with a tag (a centred title, a badge); it stays Markdown unless it is a whole page.
    if suffix in {"md", "markdown", "mdx"}:
        return bool(re.match(r"<(?:!doctype\s+html|html)\b", head, re.IGNORECASE))
    return bool(_HTML.search(head))


def _is_json(suffix: str, text: str) -> bool:
    if suffix in {"json", "jsonl", "ndjson", "geojson"}:
        return True
    if suffix in {"md", "markdown", "csv", "tsv"} or not text.rstrip().endswith(("}", "]")):
        return False
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True
