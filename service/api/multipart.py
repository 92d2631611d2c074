"""Takes one file out of a multipart body while it arrives. Nothing is spooled to disk, nothing above the limit is kept.

Memory per upload is at most `max_file_bytes`; how many run at once is the route's business.
"""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.api.validation import Fault, Invalid
from service.errors import ErrorKind, ServiceError, TooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"
# Boundaries, part headers and small fields around the file.
ENVELOPE_BYTES = 65_536
_MAX_PARTS = 16
_HOW = f"send it as multipart/form-data with one field `{FIELD}`, such as `curl -F {FIELD}=@notes.md`"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent; the name is the client's and must not be trusted."""

    name: str
    content: bytes


async def read_upload(content_type: str, parts: AsyncIterable[bytes], max_file_bytes: int) -> Upload:
    """The file in the field `file`. Raises `ServiceError` (BAD_REQUEST), `Invalid` without a file, `TooLarge`."""
    media_type, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if media_type != b"multipart/form-data" or not boundary or len(boundary) > 200:
        raise ServiceError(ErrorKind.BAD_REQUEST, f"this is no file upload: {_HOW}")
    form = _Form(max_file_bytes)
    parser = MultipartParser(boundary, form.callbacks())
    try:
        async for part in parts:
            parser.write(part)
        parser.finalize()
    except MultipartParseError:
        raise ServiceError(ErrorKind.BAD_REQUEST, f"the multipart body is broken: {_HOW}") from None
    if not form.complete:
        raise ServiceError(ErrorKind.BAD_REQUEST, f"the multipart body ends too early: {_HOW}")
    if form.name is None:
        raise Invalid([Fault(FIELD, f"is missing; {_HOW}")])
    return Upload(form.name, bytes(form.content))


class _Form:
    """What the parser's callbacks gather."""

    def __init__(self, max_file_bytes: int) -> None:
        self._max_file_bytes = max_file_bytes
        self._parts = 0
        self._field = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._in_file = False
        self.name: str | None = None
        self.content = bytearray()
        self.complete = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._take,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        self._disposition = b""
        self._in_file = False
        if self._parts > _MAX_PARTS:
            raise ServiceError(ErrorKind.BAD_REQUEST, f"more than {_MAX_PARTS} fields in one upload")

    def _end_header(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != FIELD.encode() or b"filename" not in options:
            return
        if self.name is not None:
            raise ServiceError(ErrorKind.BAD_REQUEST, "one file per upload; send the others on their own")
        self._in_file = True
        self.name = options[b"filename"].decode("utf-8", "replace")

    def _take(self, data: bytes, start: int, end: int) -> None:
        if not self._in_file:
            return
        if len(self.content) + end - start > self._max_file_bytes:
            raise TooLarge(f"the file is larger than the {self._max_file_bytes:,} bytes accepted; split it into parts")
        self.content += data[start:end]

    def _end(self) -> None:
        self.complete = True
