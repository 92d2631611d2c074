"""From bytes to characters: UTF-8 first, UTF-16 when it says so, Windows-1252 only where it reads like prose."""

import codecs
import re

from service.errors import UnsupportedDocument

_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Text holds hardly any control characters; a binary file of any length holds many.
_CONTROL_SHARE = 0.001
# In Western prose at most about one character in ten is not ASCII, and nearly all of those are letters or quotes.
_FOREIGN_SHARE = 0.15
_FEW = 8
_WESTERN = frozenset(
    "äöüÄÖÜßàâçéèêëîïôùûñáíóúåæøÅÆØÀÇÉÈÑ€£§°µ·«»“”„…•±²³½\xa0"
    "\u2013\u2014\u2018\u2019\u201a\u00d7"  # dashes, single quotation marks, multiplication sign
)


def decode(name: str, content: bytes) -> str:
    """The characters of a text file. Raises `UnsupportedDocument` for binary content and for unknown encodings."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _checked(name, _decode_or_refuse(name, content, "utf-16"))
    try:
        return _checked(name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        if b"\x00" in content[:8192]:
            raise _binary(name) from error
        return _checked(name, _western(name, content))


def _decode_or_refuse(name: str, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _unknown_encoding(name) from error


def _western(name: str, content: bytes) -> str:
    text = _decode_or_refuse(name, content, "cp1252")
    foreign = [character for character in text if character > "\x7f"]
    usual = sum(character in _WESTERN for character in foreign)
    if len(foreign) > max(_FEW, _FOREIGN_SHARE * len(text)) or usual < 0.9 * len(foreign):
        raise _unknown_encoding(name)
    return text


def _checked(name: str, text: str) -> str:
    if "\x00" in text or len(_NOT_TEXT.findall(text)) > _CONTROL_SHARE * len(text):
        raise _binary(name)
    return text


def _binary(name: str) -> UnsupportedDocument:
    return UnsupportedDocument(
        f"{name} is a binary file, whatever its name says; add text, Markdown, HTML, PDF, CSV or JSON"
    )


def _unknown_encoding(name: str) -> UnsupportedDocument:
    return UnsupportedDocument(f"{name} is not UTF-8 text; save it as UTF-8 and add it again")
