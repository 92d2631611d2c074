"""PDF by pypdf: the text of each page, in order."""

import io

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

from service.corpus.loaders.cleaning import clean
from service.corpus.loaders.plain import title_of
from service.corpus.loaders.port import LoadedDocument, MediaType, ParseLimits
from service.errors import ServiceError, TooLarge, UnsupportedDocument

_SENTENCE_ENDS = (".", "!", "?", ":", "\u2026", '"', "\u201d", ")")


def load_pdf(name: str, content: bytes, limits: ParseLimits) -> LoadedDocument:
    """Raises `UnsupportedDocument` (broken, encrypted, without text) or `TooLarge` (pages, characters).

    One unreadable page refuses the file: half a document would give answers that look complete.
    """
    try:
        return _load(name, content, limits)
    except (ServiceError, MemoryError):
        raise
    except (FileNotDecryptedError, DependencyError) as error:
        raise _encrypted(name) from error
    except LimitReachedError as error:
        raise TooLarge(
            f"{name} unpacks to more data than a PDF may hold; print it to a new PDF and add that"
        ) from error
    except Exception as error:
        # pypdf meets hostile files with any exception there is (KeyError, RecursionError, struct.error, ...).
        raise UnsupportedDocument(f"{name} is a broken PDF; open it, print it to a new PDF and add that") from error


def _load(name: str, content: bytes, limits: ParseLimits) -> LoadedDocument:
    reader = PdfReader(io.BytesIO(content))
    # Some PDFs carry an owner's password only, and open for everybody.
    if reader.is_encrypted and not reader.decrypt(""):
        raise _encrypted(name)
    count = reader.get_num_pages()
    if count > limits.max_pages:
        raise TooLarge(f"{name} has {count:,} pages, at most {limits.max_pages:,} are read; split it into parts")
    pages: list[str] = []
    chars = 0
    for number, page in enumerate(reader.pages, start=1):
        if number > limits.max_pages:
            raise TooLarge(f"{name} has more than {limits.max_pages:,} pages; split it into parts")
        pages.append(clean(page.extract_text()).strip())
        chars += len(pages[-1])
        if chars > limits.max_text_chars:
            raise TooLarge(f"{name} holds more than {limits.max_text_chars:,} characters of text; split it into parts")
    text = _join([page for page in pages if page])
    if not text:
        raise UnsupportedDocument(
            f"{name} holds no text in its {len(pages)} pages (scanned?); run text recognition (OCR) and add it again"
        )
    metadata = reader.metadata
    title = metadata.title if metadata is not None and isinstance(metadata.title, str) else ""
    return LoadedDocument(text, MediaType.PDF, title_of(name, title or text.partition("\n")[0]), pages=len(pages))


def _join(pages: list[str]) -> str:
    """A sentence that runs over the end of a page stays one; anything else begins a new paragraph."""
    pieces: list[str] = []
    for page in pages:
        if pieces:
            runs_on = page[0].islower() and not pieces[-1].endswith(_SENTENCE_ENDS)
            pieces.append("\n" if runs_on else "\n\n")
        pieces.append(page)
    return "".join(pieces)


def _encrypted(name: str) -> UnsupportedDocument:
    return UnsupportedDocument(f"{name} is encrypted; remove the password and add it again")
