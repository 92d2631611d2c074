"""PromQL over what the rules record: a model against its own past, as the alert sees it.

Names of recorded values hold their window, and an environment may have windows of its own (development is at the pace
of minutes). One query names all of them, and finds those that its Prometheus has.
"""

from collections.abc import Callable

from dashboards import queries as q
from prometheus import regression
from prometheus.__main__ import ENVIRONMENTS
from prometheus.promql import any_of, matching
from prometheus.thresholds import Thresholds, of_environment
from service.telemetry.catalogue import MODEL_LABEL as MODEL

_ON = matching((MODEL,))
# As long as a baseline is held at most.
_HELD = "2h"
Name = Callable[[Thresholds], str]


def mean(window: int = 0) -> str:
    """Mean seconds of an answer over the rules' short window (`window` 1: their long one), by model."""
    return _recorded(lambda limits: regression.mean_of(limits.regression.windows[window]).name)


def usual(window: int = 0) -> str:
    """The median of that over the baseline."""
    return _recorded(lambda limits: _past("median", window, limits), _HELD)


def fires_above(limits: Thresholds, window: int = 0) -> str:
    """The mean at which the alert fires: beyond its factor and beyond its spreads, so the higher of the two."""
    spread = _recorded(lambda limits: _past("spread", window, limits), _HELD)
    factor = f"{limits.regression.factor:g} * {usual(window)}"
    unusual = f"{usual(window)} + {_ON} {limits.regression.z:g} * {spread}"
    return f"({factor} >= {_ON} ({unusual})) or {unusual}"


def z_mean(window: int = 0) -> str:
    """How many spreads the mean is above its usual value."""
    return _recorded(lambda limits: regression.z_mean(limits.regression.windows[window]))


def z_share(window: int = 0) -> str:
    """How many spreads the most unusual share beyond a bucket is above its usual value."""
    return _recorded(lambda limits: regression.z_over(limits.regression.windows[window]))


def _past(what: str, window: int, limits: Thresholds) -> str:
    return regression.mean_of(limits.regression.windows[window]).part(what, limits)


def _recorded(name: Name, held: str = "") -> str:
    names = sorted({name(of_environment(environment)) for environment in ENVIRONMENTS})
    series = f'{{__name__=~"{any_of(names)}",{q.MODELS}}}'
    return f"max by ({MODEL}) ({f'last_over_time({series}[{held}])' if held else series})"
