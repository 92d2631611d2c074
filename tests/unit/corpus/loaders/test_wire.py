"""Frames between the service and its reading process."""

import io
import json

import pytest

from service.corpus.loaders import wire
from service.corpus.loaders.port import LoadedDocument, ParseLimits
from service.errors import ErrorKind, TooLarge, UnsupportedDocument


def body(framed: bytes) -> bytes:
    read = wire.read_frame(io.BytesIO(framed))
    assert read is not None
    return read


def test_a_document_survives_the_way() -> None:
    document = LoadedDocument("Größe\n😀", "text/html", "T", 3)
    assert wire.read_reply(body(wire.reply(document))) == document


@pytest.mark.parametrize(
    ("kind", "error"), [(ErrorKind.TOO_LARGE, TooLarge), (ErrorKind.UNSUPPORTED_DOCUMENT, UnsupportedDocument)]
)
def test_errors_survive_the_way(kind: ErrorKind, error: type[Exception]) -> None:
    answer = wire.read_reply(body(wire.refusal(kind, "why")))
    assert isinstance(answer, error) and str(answer) == "why"


def test_out_of_memory_has_its_own_answer() -> None:
    assert wire.read_reply(body(wire.refusal(wire.OUT_OF_MEMORY, ""))) is None


def test_a_request_carries_name_limits_and_content() -> None:
    head, content = wire.request("a.md", b"bytes", ParseLimits(7, 8), 9)
    assert json.loads(body(head)) == {"name": "a.md", "cpu_s": 9, "max_pages": 7, "max_text_chars": 8}
    assert body(content) == b"bytes"


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"[]", b"{}", b'{"document": {}}', b'{"kind": 1}', b"\xff"])
def test_nonsense_is_no_reply(answer: bytes) -> None:
    with pytest.raises(wire.BadFrame):
        wire.read_reply(answer)


def test_a_cut_frame_is_the_end() -> None:
    assert wire.read_frame(io.BytesIO(b"")) is None
    assert wire.read_frame(io.BytesIO(b"\x00\x00\x00\x05abc")) is None
