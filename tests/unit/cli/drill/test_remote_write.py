"""The wire format, byte by byte. A real Prometheus reads it in tests/e2e."""

import math
import struct

import pytest

from service.cli.drill.remote_write import ENDED, PRESENT, block, message, varint


@pytest.mark.parametrize(("number", "written"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")])
def test_numbers_are_written_seven_bits_a_byte(number: int, written: str) -> None:
    assert varint(number).hex() == written


def test_a_message_has_its_labels_in_order_its_value_and_its_time() -> None:
    written = message({"b": "2", "__name__": "x"}, PRESENT, 300)
    labels = b"\x0a\x0d\x0a\x08__name__\x12\x01x" + b"\x0a\x06\x0a\x01b\x12\x012"
    sample = b"\x12\x0c\x09" + PRESENT + b"\x10\xac\x02"
    assert written == b"\x0a" + bytes([len(labels + sample)]) + labels + sample


def test_a_block_holds_its_content_as_it_is() -> None:
    content = bytes(300)
    assert block(content) == b"\xac\x02" + b"\xf4" + struct.pack("<H", 299) + content


def test_the_end_is_a_nan_and_no_other() -> None:
    assert math.isnan(struct.unpack("<d", ENDED)[0])
    assert struct.pack("<d", math.nan) != ENDED
