"""CSV: one readable paragraph per row, `column: value; column: value`, so that a row is understood on its own."""

import csv
import io
import re
from collections.abc import Iterator

from service.corpus.loaders.cleaning import clean
from service.corpus.loaders.plain import load_plain, title_of
from service.corpus.loaders.port import LoadedDocument, MediaType, ParseLimits
from service.errors import TooLarge, UnsupportedDocument

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50
_NUMBER = re.compile(r"[-+]?[\d.,]+%?$")


def load_table(name: str, text: str, limits: ParseLimits) -> LoadedDocument:
    """Raises `UnsupportedDocument` for broken quoting, `TooLarge` for more text than allowed.

    A file without any delimiter is no table and is read as plain text. A first row that holds a number is data, and
    the columns are then numbered.
    """
    delimiter = _delimiter(text)
    if not delimiter:
        return load_plain(name, text)
    paragraphs: list[str] = []
    chars = 0
    for paragraph in _paragraphs(name, text, delimiter):
        paragraphs.append(paragraph)
        chars += len(paragraph) + 2
        if chars > limits.max_text_chars:
            raise TooLarge(f"{name} gives more than {limits.max_text_chars:,} characters of text; split it into parts")
    return LoadedDocument("\n\n".join(paragraphs), MediaType.CSV, title_of(name, ""))


def _delimiter(text: str) -> str:
    """The character that cuts the first rows into the same number of fields most often; empty when none does."""
    sample = text[:100_000].splitlines()[:_SAMPLE_LINES]
    best, best_score = "", 0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        score = sum(width == widths[0] for width in widths) * 100 // len(widths) * 10 + min(widths[0], 9)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _paragraphs(name: str, text: str, delimiter: str) -> Iterator[str]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns: list[str] | None = None
    try:
        for row in reader:
            values = [" ".join(clean(value).split()) for value in row]
            if not any(values):
                continue
            if columns is None:
                headed = not any(_NUMBER.match(value) for value in values)
                columns = values if headed else []
                if headed:
                    continue
            yield "; ".join(f"{_column(columns, position)}: {value}" for position, value in enumerate(values) if value)
    except csv.Error as error:
        raise UnsupportedDocument(
            f"{name} is not readable as CSV near line {reader.line_num} ({error}); check its quotation marks"
        ) from error


def _column(columns: list[str], position: int) -> str:
    named = columns[position] if position < len(columns) else ""
    return named or f"column {position + 1}"
