"""How long, how large, how old."""

import math

import pytest

from service.cache.freshness import age_when_stored_s, judge, size_bytes, to_keep
from service.cache.port import CacheControl, CacheEntry, CacheKey, CacheResult
from tests.fakes.clock import ManualClock

ENTRY = CacheEntry(b"x" * 1000, created_at=500.0, ttl_s=60.0)


@pytest.mark.parametrize(
    ("control", "ttl_s"),
    [
        (CacheControl(), 60),
        (CacheControl(ttl_s=5), 5),
        (CacheControl(ttl_s=600), 60),
        (CacheControl(no_cache=True), 60),
    ],
)
def test_a_request_shortens_the_time_at_most(control: CacheControl, ttl_s: float) -> None:
    kept = to_keep(ENTRY, control)
    assert kept is not None
    assert (kept.ttl_s, kept.payload) == (ttl_s, ENTRY.payload)


def test_a_request_can_forbid_keeping() -> None:
    assert to_keep(ENTRY, CacheControl(no_store=True)) is None


@pytest.mark.parametrize(
    ("age_s", "s_maxage_s", "result"),
    [
        (0, None, CacheResult.HIT),
        (59.9, None, CacheResult.HIT),
        (60, None, CacheResult.EXPIRED),
        (math.nan, None, CacheResult.EXPIRED),
        (10, 10, CacheResult.HIT),
        (10.1, 10, CacheResult.EXPIRED),
        (0, 0, CacheResult.HIT),
        (1, math.nan, CacheResult.EXPIRED),
    ],
)
def test_what_a_request_may_have(age_s: float, s_maxage_s: float | None, result: CacheResult) -> None:
    assert judge(age_s, 60.0, CacheControl(s_maxage_s=s_maxage_s)) is result


def test_an_entry_from_the_future_is_new() -> None:
    assert age_when_stored_s(ENTRY, ManualClock(time=499.0)) == 0
    assert age_when_stored_s(ENTRY, ManualClock(time=530.0)) == 30


def test_small_entries_count_more_than_their_payload() -> None:
    key = CacheKey("a" * 64, "b" * 64)
    assert size_bytes(key, ENTRY) > 1000 + 128
    assert size_bytes(key, CacheEntry(b"", 0, 1)) == size_bytes(key, ENTRY) - 1000
