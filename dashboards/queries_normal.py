"""PromQL over what the rules record: a model against its own past, as the alert sees it.

Names of recorded values hold their window, and an environment may have windows of its own (development is at the pace
of minutes). One query names all of them, and finds those that its Prometheus has.
"""

from collections.abc import Callable

from dashboards import queries as q
from prometheus import regression
from prometheus.__main__ import ENVIRONMENTS
from prometheus.normal import Followed
from prometheus.promql import any_of, matching
from prometheus.thresholds import Thresholds, of_environment
from service.telemetry.catalogue import MODEL_LABEL as MODEL

_ON = matching((MODEL,))
# As long as a baseline is held at most.
_HELD = "2h"


def mean() -> str:
    """Mean seconds of an answer over the rules' short window, by model."""
    return _recorded(lambda limits: _followed(limits).name)


def usual() -> str:
    """The median of that over the baseline."""
    return _recorded(lambda limits: _followed(limits).part("median", limits), _HELD)


def fires_above(limits: Thresholds) -> str:
    """The mean at which the alert fires, if a share of long answers is unusual too: beyond its factor and beyond its
    spreads, so the higher of the two."""
    spread = _recorded(lambda limits: _followed(limits).part("spread", limits), _HELD)
    factor = f"{limits.regression.factor:g} * {usual()}"
    unusual = f"{usual()} + {_ON} {limits.regression.z:g} * {spread}"
    return f"({factor} >= {_ON} ({unusual})) or {unusual}"


def z_mean() -> str:
    """How many spreads the mean is above its usual value."""
    return _recorded(lambda limits: regression.z_mean(limits.regression.windows[0]))


def z_share() -> str:
    """How many spreads the most unusual share beyond a bucket is above its usual value."""
    return _recorded(lambda limits: regression.z_over(limits.regression.windows[0]))


def _followed(limits: Thresholds) -> Followed:
    return regression.mean_of(limits.regression.windows[0])


def _recorded(name: Callable[[Thresholds], str], held: str = "") -> str:
    names = sorted({name(of_environment(environment)) for environment in ENVIRONMENTS})
    series = f'{{__name__=~"{any_of(names)}",{q.MODELS}}}'
    return f"max by ({MODEL}) ({f'last_over_time({series}[{held}])' if held else series})"
