"""Prometheus' remote write of one sample, by hand: a protobuf message of three small parts inside a snappy block.

A snappy block may hold its content uncompressed, so a few lines write both, and no package is needed for it.
"""

import struct
from collections.abc import Mapping

from service.cli.drill.json_api import JsonApi
from service.cli.failures import Failure

HEADERS = {
    "content-type": "application/x-protobuf",
    "content-encoding": "snappy",
    "x-prometheus-remote-write-version": "0.1.0",
}
# How Prometheus is told that a series has ended: this one NaN.
ENDED = struct.pack("<Q", 0x7FF0000000000002)
PRESENT = struct.pack("<d", 1.0)
_BYTES, _FIXED_64 = 2, 1


def write(prometheus: JsonApi, labels: Mapping[str, str], value: bytes, at_s: float) -> bool:
    """One sample of the series with these labels. Whether Prometheus took it; it does not where that is off."""
    content = block(message(labels, value, round(at_s * 1000)))
    try:
        return prometheus.send("POST", "/api/v1/write", content=content, headers=HEADERS).is_success
    except Failure:
        return False


def message(labels: Mapping[str, str], value: bytes, at_ms: int) -> bytes:
    """A WriteRequest of one series with one sample; `value` is a double as eight bytes."""
    pairs = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in sorted(labels.items())
    )
    sample = bytes([1 << 3 | _FIXED_64]) + value + bytes([2 << 3]) + varint(at_ms)
    return _field(1, pairs + _field(2, sample))


def block(content: bytes) -> bytes:
    """A snappy block that holds `content` as it is; at most 64 KiB."""
    return varint(len(content)) + bytes([61 << 2]) + struct.pack("<H", len(content) - 1) + content


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + varint(len(content)) + content
