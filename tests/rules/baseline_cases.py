"""What is recorded about the past, of values that only ever rise: then it shows in every number where the past begins,
where it ends, and how much of it there is.
"""

import promql_parser

from prometheus.thresholds import span_s
from tests.dashboards.promql import uses
from tests.rules.case import PRODUCTION, Case, Recorded, named
from tests.rules.collected import LIMITS, rules

FILE = "baselines.yml"
_EVERY_S, _BASELINE = span_s(LIMITS.normal.every), LIMITS.normal.baseline
_POINTS = span_s(_BASELINE) // _EVERY_S
_AT_S = span_s(_BASELINE) + 12 * 3600


def _expected(name: str, window: str) -> float:
    """The values are their own places, and the past is a run of them that ends a window ago."""
    last = (_AT_S - span_s(window)) // _EVERY_S
    first = last - _POINTS + 1
    lower, middle, upper = (first + share * (last - first) for share in (0.25, 0.5, 0.75))
    what = name.rpartition(":")[2].partition("_")[0]
    return {"median": middle, "mean": middle, "points": float(_POINTS), "spread": (upper - lower) / 1.349}[what]


def _past() -> Case:
    series, recorded = {}, []
    for rule in rules()[FILE]:
        name, source = rule["record"], next(uses(promql_parser.parse(rule["expr"]))).metric
        # The window is the last word of what is followed: ...:mean_1h.
        expected = _expected(name, source.rpartition("_")[2])
        series[named(source, **PRODUCTION)] = f"0+1x{_AT_S // _EVERY_S}"
        recorded.append(Recorded(f"{_AT_S}s", name, {named(name, **PRODUCTION): expected}))
    return Case("the past", (FILE,), series, (), f"{_EVERY_S}s", recorded=tuple(recorded), evaluated="12h")


PAST = _past()
