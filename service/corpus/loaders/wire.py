"""What the service and its reading process say to each other: frames of a four-byte length and a body.

A request is two frames (JSON: name and limits; then the file's bytes), a reply is one (JSON). JSON, never pickles: the
reading process has met hostile bytes, and what it says is not trusted with more than text.
"""

import json
from dataclasses import asdict
from typing import Any, BinaryIO

from service.corpus.loaders.port import LoadedDocument, ParseLimits
from service.errors import ErrorKind, ServiceError, TooLarge, UnsupportedDocument

LENGTH_BYTES = 4
# The kind under which the reading process says that it ran out of memory, and is about to end.
OUT_OF_MEMORY = "out_of_memory"


class BadFrame(Exception):
    """The other side sent what is no reply."""


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def request(name: str, content: bytes, limits: ParseLimits, cpu_s: int) -> tuple[bytes, bytes]:
    """The two frames of a request; `cpu_s` is the processor time that reading may take."""
    head = {"name": name, "cpu_s": cpu_s, **asdict(limits)}
    return frame(json.dumps(head).encode()), frame(content)


def read_frame(stream: BinaryIO) -> bytes | None:
    """One frame; None at the end of the stream. Blocking: used by the reading process only."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    size = int.from_bytes(head, "big")
    body = stream.read(size)
    return body if len(body) == size else None


def reply(document: LoadedDocument) -> bytes:
    return frame(json.dumps({"document": asdict(document)}, ensure_ascii=False).encode())


def refusal(kind: str, detail: str) -> bytes:
    return frame(json.dumps({"kind": kind, "detail": detail}).encode())


def read_reply(body: bytes) -> LoadedDocument | ServiceError | None:
    """The document, or the error to raise; None when it ran out of memory. Raises `BadFrame`."""
    try:
        answer: dict[str, Any] = json.loads(body)
        if "document" in answer:
            fields = answer["document"]
            return LoadedDocument(
                str(fields["text"]), str(fields["media_type"]), str(fields["title"]), int(fields["pages"])
            )
        kind, detail = str(answer["kind"]), str(answer["detail"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadFrame("not a reply") from error
    if kind == OUT_OF_MEMORY:
        return None
    return TooLarge(detail) if kind == ErrorKind.TOO_LARGE else UnsupportedDocument(detail)
