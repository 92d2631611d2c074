"""Which stage of a request is at fault: the one furthest above its own normal. Pure.

How far is counted in spreads: (seconds - median) / spread, with the median and spread that are usual for this model and
stage (`normal.py`). A spread counts as at least a fiftieth of the whole request and a millisecond, so that a stage
which is steady to the microsecond is not blamed for a few milliseconds while another one lost seconds.

A part that is never spent by this model has a normal of 0 s: a cold load, a wait for an identical question. While
nothing is usual yet, the largest part is named. A request cut short (failed, shed, cancelled) is judged by the same
rule: what it had spent by then is compared with the parts of a whole answer.
"""

from collections.abc import Mapping

from service.monitoring.normal import TOTAL, parts_of
from service.monitoring.port import JudgedQuery, Normal, QueryRecord

LEAST_SPREAD_S = 0.001
LEAST_SPREAD_SHARE = 0.02

_NEVER_SPENT = Normal(0, 0.0, 0.0)


def judge(record: QueryRecord, normals: Mapping[str, Normal]) -> JudgedQuery:
    """`normals` are those of the record's group; empty = nothing is usual yet."""
    parts = parts_of(record)
    if normals:
        least_s = max(LEAST_SPREAD_S, LEAST_SPREAD_SHARE * record.duration_s)
        above = {part: _above(seconds, normals.get(part, _NEVER_SPENT), least_s) for part, seconds in parts.items()}
        stage = max(above, key=above.__getitem__)
    else:
        stage = max(parts, key=parts.__getitem__)
    normal = normals.get(stage, _NEVER_SPENT) if normals else None
    total = normals.get(TOTAL)
    return JudgedQuery(
        record=record,
        stage=stage,
        stage_s=parts[stage],
        share=min(1.0, parts[stage] / record.duration_s) if record.duration_s > 0 else 0.0,
        usual_s=normal.median_s if normal is not None else None,
        spread_s=normal.spread_s if normal is not None else None,
        usual_total_s=total.median_s if total is not None else None,
    )


def _above(seconds: float, normal: Normal, least_s: float) -> float:
    """In spreads."""
    return (seconds - (normal.median_s or 0.0)) / max(normal.spread_s or 0.0, least_s)
