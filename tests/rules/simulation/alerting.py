"""What Prometheus makes of a condition: pending, firing, kept firing for a while."""

import numpy as np
from numpy.typing import NDArray

from tests.rules.drawn import Whole

Flags = NDArray[np.bool_]


def firing(condition: Flags, at: Whole, wait: int, keep: int) -> Flags:
    """When an alert with `for: wait` and `keep_firing_for: keep` fires, evaluated at the minutes `at`."""
    fires = np.zeros(len(condition), bool)
    active: int | None = None
    gone: int | None = None
    on = False
    for index, (now, true) in enumerate(zip(at.tolist(), condition.tolist(), strict=True)):
        if true:
            gone = None
            active = now if active is None else active
            on = on or now - active >= wait
        else:
            gone = now if gone is None else gone
            on = on and now - gone < keep
            if not on:
                active = None
        fires[index] = on
    return fires


def episodes(fires: Flags) -> int:
    """How often it began to fire; what fires from the first moment on began before."""
    return int(np.count_nonzero(fires[1:] & ~fires[:-1]))
