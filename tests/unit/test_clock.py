"""The system's clock gives the two readings that its port promises."""

import time

from service.clock import SystemClock


def test_durations_never_go_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(1000)]
    assert readings == sorted(readings)


def test_stamps_are_unix_seconds() -> None:
    before = time.time()
    assert before <= SystemClock().time() <= time.time()
