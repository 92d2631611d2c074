"""One file from bytes to text: sniff, decode, parse, check. Runs in the reading process, or here for small plain text.

Nothing in here is fetched, unpacked or written.
"""

from service.corpus.loaders.decoding import decode
from service.corpus.loaders.plain import load_markdown, load_plain
from service.corpus.loaders.port import LoadedDocument, MediaType, ParseLimits
from service.corpus.loaders.sniffing import sniff_bytes, sniff_text
from service.errors import TooLarge, UnsupportedDocument

SIMPLE = frozenset({MediaType.PLAIN, MediaType.MARKDOWN})


def sniff(name: str, content: bytes) -> tuple[MediaType, str]:
    """Media type and, for anything but PDF, the decoded text. Raises `UnsupportedDocument`."""
    if sniff_bytes(name, content) is MediaType.PDF:
        return MediaType.PDF, ""
    text = decode(name, content)
    return sniff_text(name, text), text


def parse(name: str, content: bytes, limits: ParseLimits) -> LoadedDocument:
    """The whole way. Raises `UnsupportedDocument` and `TooLarge`; on hostile input also `MemoryError`."""
    media_type, text = sniff(name, content)
    return finish(name, _parse(media_type, name, text, content, limits), limits)


def parse_simple(name: str, media_type: MediaType, text: str, limits: ParseLimits) -> LoadedDocument:
    """Plain text and Markdown, already decoded."""
    load = load_markdown if media_type is MediaType.MARKDOWN else load_plain
    return finish(name, load(name, text), limits)


def finish(name: str, document: LoadedDocument, limits: ParseLimits) -> LoadedDocument:
    """The checks that hold for every type."""
    if not document.text.strip():
        raise UnsupportedDocument(f"{name} holds no visible text; there is nothing to find in it")
    if len(document.text) > limits.max_text_chars:
        raise TooLarge(f"{name} holds more than {limits.max_text_chars:,} characters of text; split it into parts")
    return document


def _parse(media_type: MediaType, name: str, text: str, content: bytes, limits: ParseLimits) -> LoadedDocument:
    # Imported on use: pypdf alone takes a quarter of a second, and most files need none of them.
    if media_type is MediaType.PDF:
        from service.corpus.loaders.pdf import load_pdf  # noqa: PLC0415

        return load_pdf(name, content, limits)
    if media_type is MediaType.HTML:
        from service.corpus.loaders.web_page import load_web_page  # noqa: PLC0415

        return load_web_page(name, text)
    if media_type is MediaType.CSV:
        from service.corpus.loaders.table import load_table  # noqa: PLC0415

        return load_table(name, text, limits)
    if media_type is MediaType.JSON:
        from service.corpus.loaders.records import load_records  # noqa: PLC0415

        return load_records(name, text, limits)
    return parse_simple(name, media_type, text, limits)
