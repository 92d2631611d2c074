"""The first form of RagModelLatencyRegression, which the shipped one is measured beside: over an hour or six, the mean
or a share of answers beyond a bucket is unusual, either is enough.
"""

from dataclasses import replace

import numpy as np

from prometheus.thresholds import Thresholds
from tests.rules.drawn import Floats
from tests.rules.simulation.alerting import Flags
from tests.rules.simulation.regression import Followed, History, highest

WINDOWS, Z, FACTOR, FOR = ("1h", "6h"), 4.0, 1.2, "10m"
# Only shares that were usually so large were looked at.
_INFORMATIVE = (0.03, 0.7)


def either(history: History, limits: Thresholds) -> Flags:
    """Where it fires; what is not named here is as it is shipped."""
    bounds = replace(limits.regression, windows=WINDOWS, factor=FACTOR, for_=FOR)
    return history.firing(replace(limits, regression=bounds), _unusual)


def _unusual(one: Followed) -> Flags:
    return (one.z_mean > Z) | (_z_over(one) > Z)


def _z_over(one: Followed) -> Floats:
    usual, count = one.usual_over.median, one.count[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(usual * (1 - usual) / count)
        z = (one.over - usual) / np.where(one.usual_over.spread >= error, one.usual_over.spread, error)
        z[~((usual >= _INFORMATIVE[0]) & (usual <= _INFORMATIVE[1]))] = np.nan
    return highest(z)
