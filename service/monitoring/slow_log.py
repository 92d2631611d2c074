"""Which requests were slow, and which part of each is to blame. Pure: records in, a ranking out.

A request is cut into disjoint parts: its stages, with `generate` replaced by the model server's own phases where they
are known (`generate.queue`, `generate.load`, `generate.prompt_eval`, `generate.eval`, and `generate` for the rest of
it), and `unaccounted`. The part at fault is the one with the largest excess over what is usual for it: the median
over the warm misses among the kept records, of the same model and tier for what depends on the model, of all for the
rest. A model is never measured against another one. Cold loads do not count as usual, so a load is always an excess.

With fewer than `ENOUGH` such records nothing is called usual, and the largest part is at fault. A request cut short
(failed, shed, cancelled) is judged by the same rule: what it had spent by then is compared with a whole answer's parts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.monitoring.port import QueryRecord, SlowQuery
from service.monitoring.quantiles import quantile
from service.routing.port import Tier

ENOUGH = 5
UNACCOUNTED = "unaccounted"
_WORKED = frozenset({CacheResult.MISS, CacheResult.EXPIRED, CacheResult.INVALIDATED, CacheResult.BYPASS})
_ANSWERED = frozenset({Outcome.OK, Outcome.DEGRADED})
_OF_THE_MODEL = (Stage.ADMISSION, Stage.GENERATE)
# Whole requests are filed beside the parts, under names that no part has. A hit is measured against hits.
_TOTAL = "total"
_HIT_TOTAL = "total of a hit"

# Model, tier, part. Both are None for parts that they do not touch, the tier alone where it is left open.
_Group = tuple[str | None, Tier | None, str]


def rank(records: Sequence[QueryRecord], *, since: float, count: int) -> tuple[SlowQuery, ...]:
    """The `count` slowest of the records that ended at or after `since` (Unix seconds), slowest first."""
    chosen = nlargest(max(0, count), (one for one in records if one.at >= since), key=lambda one: one.duration_s)
    if not chosen:
        return ()
    usual = _usual(records)
    return tuple(_explained(record, usual) for record in chosen)


def parts_of(record: QueryRecord) -> dict[str, float]:
    """Seconds per disjoint part; they sum to the record's stages and its unaccounted rest."""
    parts = {stage.value: seconds for stage, seconds in record.stages.items()}
    if Stage.GENERATE in record.stages and record.phases:
        parts |= {f"{Stage.GENERATE}.{phase}": seconds for phase, seconds in record.phases.items()}
        parts[Stage.GENERATE] = max(0.0, record.stages[Stage.GENERATE] - sum(record.phases.values()))
    parts[UNACCOUNTED] = record.unaccounted_s
    return parts


def _explained(record: QueryRecord, usual: Mapping[_Group, float]) -> SlowQuery:
    parts = parts_of(record)
    normal = {part: _look_up(usual, record, part) for part in parts}
    fault = max(parts, key=lambda part: (parts[part] - (normal[part] or 0.0), parts[part]))
    return SlowQuery(
        record=record,
        stage=fault,
        stage_s=parts[fault],
        share=min(1.0, parts[fault] / record.duration_s) if record.duration_s > 0 else 0.0,
        usual_s=normal[fault],
        usual_total_s=_look_up(usual, record, _HIT_TOTAL if record.cache is CacheResult.HIT else _TOTAL),
    )


def _usual(records: Iterable[QueryRecord]) -> dict[_Group, float]:
    """The median of every group with enough records in it."""
    seen: defaultdict[_Group, list[float]] = defaultdict(list)
    for record in records:
        for part, seconds in _measures(record).items():
            for group in _groups(record, part):
                seen[group].append(seconds)
    return {group: quantile(sorted(values), 0.5) for group, values in seen.items() if len(values) >= ENOUGH}


def _measures(record: QueryRecord) -> dict[str, float]:
    """What a record says about the usual: everything for a warm miss, its whole time for a hit, else nothing."""
    if record.outcome not in _ANSWERED or record.cold:
        return {}
    if record.cache is CacheResult.HIT:
        return {_HIT_TOTAL: record.duration_s}
    return parts_of(record) | {_TOTAL: record.duration_s} if record.cache in _WORKED else {}


def _look_up(usual: Mapping[_Group, float], record: QueryRecord, part: str) -> float | None:
    return next((usual[group] for group in _groups(record, part) if group in usual), None)


def _groups(record: QueryRecord, part: str) -> tuple[_Group, ...]:
    """Where a part is filed and looked for, the closest group first, none twice."""
    if part == _TOTAL or part.split(".", maxsplit=1)[0] in _OF_THE_MODEL:
        return tuple(dict.fromkeys(((record.model, record.tier, part), (record.model, None, part))))
    return ((None, None, part),)
