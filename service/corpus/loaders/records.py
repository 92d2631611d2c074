"""JSON and JSON Lines: readable `key: value` lines, one paragraph per record of a list."""

import json
from collections.abc import Iterator
from typing import Any

from service.corpus.loaders.cleaning import clean
from service.corpus.loaders.plain import title_of
from service.corpus.loaders.port import LoadedDocument, MediaType, ParseLimits
from service.corpus.loaders.sniffing import suffix_of
from service.errors import TooLarge, UnsupportedDocument

# Nobody reads a key path longer than this; deeper nesting is data for programs, or an attack on the parser.
MAX_DEPTH = 32


def load_records(name: str, text: str, limits: ParseLimits) -> LoadedDocument:
    """Raises `UnsupportedDocument` for invalid or too deeply nested JSON, `TooLarge` for more text than allowed.

    Numbers stay as they are written. Empty values are left out. Of a key given twice the last one counts.
    """
    value = _parse(name, text)
    lines: list[str] = []
    chars = 0
    for line in _lines(name, value, "", 0):
        if line or (lines and lines[-1]):
            lines.append(line)
            chars += len(line) + 1
        if chars > limits.max_text_chars:
            raise TooLarge(f"{name} gives more than {limits.max_text_chars:,} characters of text; split it into parts")
    title = value.get("title") if isinstance(value, dict) else None
    return LoadedDocument(
        clean("\n".join(lines)), MediaType.JSON, title_of(name, title if isinstance(title, str) else "")
    )


def _parse(name: str, text: str) -> Any:
    try:
        return _loads(text)
    except RecursionError as error:
        raise _too_deep(name) from error
    except json.JSONDecodeError as error:
        if suffix_of(name) in {"jsonl", "ndjson"}:
            return _parse_lines(name, text)
        raise UnsupportedDocument(
            f"{name} is not valid JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}"
        ) from error


def _parse_lines(name: str, text: str) -> list[Any]:
    records: list[Any] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                records.append(_loads(line))
            except RecursionError as error:
                raise _too_deep(name) from error
            except json.JSONDecodeError as error:
                raise UnsupportedDocument(
                    f"{name} holds no valid JSON in line {number}: {error.msg.lower()}"
                ) from error
    return records


def _loads(text: str) -> Any:
    # Numbers as text: no rounding, and no quadratic time for a million digits.
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _lines(name: str, value: Any, path: str, depth: int) -> Iterator[str]:
    """Lines of one value; an empty line ends a paragraph."""
    if depth > MAX_DEPTH:
        raise _too_deep(name)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _lines(name, item, f"{path}.{_plain(key)}" if path else _plain(key), depth + 1)
    elif isinstance(value, list):
        yield from _list_lines(name, value, path, depth)
    elif (shown := _plain(value)) != "":
        yield f"{path}: {shown}" if path else shown


def _list_lines(name: str, items: list[Any], path: str, depth: int) -> Iterator[str]:
    if not any(isinstance(item, (dict, list)) for item in items):
        shown = ", ".join(text for text in map(_plain, items) if text)
        if shown:
            yield f"{path}: {shown}" if path else shown
        return
    for item in items:
        yield ""
        yield from _lines(name, item, path, depth + 1)
    yield ""


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(clean(str(value)).split())


def _too_deep(name: str) -> UnsupportedDocument:
    return UnsupportedDocument(f"{name} is nested deeper than {MAX_DEPTH} levels; flatten it and add it again")
