"""Entries as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.packing import pack, unpack
from service.cache.port import CacheEntry

moments = st.floats(0, 1e12)


@given(st.binary(max_size=200), moments, moments, moments, st.text(max_size=10))
def test_what_was_packed_comes_back(payload: bytes, created: float, ttl: float, cost: float, trace: str) -> None:
    entry = CacheEntry(payload, created, ttl, cost, trace, trace)
    assert unpack(pack(entry)) == entry


@given(st.binary(max_size=60))
def test_anything_else_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError, match="checksum"):
        unpack(value)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_is_noticed(position: int, change: int) -> None:
    packed = bytearray(pack(CacheEntry(b"payload" * 20, 1.0, 2.0)))
    packed[position % len(packed)] ^= change
    with pytest.raises(ValueError, match="checksum"):
        unpack(bytes(packed))
