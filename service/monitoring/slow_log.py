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
from service.monitoring.quantiles import median
from service.routing.port import Tier

ENOUGH = 5
UNACCOUNTED = "unaccounted"
_WORKED = frozenset({CacheResult.MISS, CacheResult.EXPIRED, CacheResult.INVALIDATED, CacheResult.BYPASS})
_ANSWERED = frozenset({Outcome.OK, Outcome.DEGRADED})
_OF_THE_MODEL = (Stage.ADMISSION, Stage.GENERATE)
# The whole request: filed beside the parts, under a name that no part has.
_TOTAL = "total"

# Model, tier, part. Model and tier are None where they make no difference, tier alone where it is left open.
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
    parts = {stage.value: seconds for stage, seconds in record.stages.items() if stage is not Stage.GENERATE}
    if Stage.GENERATE in record.stages:
        phases = {f"{Stage.GENERATE}.{phase}": seconds for phase, seconds in record.phases.items()}
        parts |= phases
        parts[Stage.GENERATE.value] = max(0.0, record.stages[Stage.GENERATE] - sum(phases.values()))
    parts[UNACCOUNTED] = record.unaccounted_s
    return parts


def _explained(record: QueryRecord, usual: Mapping[_Group, float]) -> SlowQuery:
    parts = parts_of(record)
    normal = {part: _lookup(usual, record, part) for part in parts}
    fault = max(parts, key=lambda part: (parts[part] - (normal[part] or 0.0), parts[part]))
    return SlowQuery(
        record=record,
        stage=fault,
        stage_s=parts[fault],
        share=min(1.0, parts[fault] / record.duration_s) if record.duration_s > 0 else 0.0,
        usual_s=normal[fault],
        usual_total_s=_lookup(usual, record, _TOTAL),
    )


def _usual(records: Iterable[QueryRecord]) -> dict[_Group, float]:
    """The medians of every group with enough records in it."""
    seen: defaultdict[_Group, list[float]] = defaultdict(list)
    sizes: defaultdict[tuple[str | None, Tier | None], int] = defaultdict(int)
    for record in records:
        if record.cache not in _WORKED or record.cold or record.outcome not in _ANSWERED:
            continue
        for model, tier in {(record.model, record.tier), (record.model, None)}:
            sizes[model, tier] += 1
            seen[model, tier, _TOTAL].append(record.duration_s)
        for part, seconds in parts_of(record).items():
            for model, tier in _groups(record, part):
                seen[model, tier, part].append(seconds)
    return {group: value for group, values in seen.items() if len(values) >= ENOUGH and (value := median(values))}


def _lookup(usual: Mapping[_Group, float], record: QueryRecord, part: str) -> float | None:
    return next((usual[*group, part] for group in _groups(record, part) if (*group, part) in usual), None)


def _groups(record: QueryRecord, part: str) -> tuple[tuple[str | None, Tier | None], ...]:
    """Where to look for what is usual, the closest first."""
    if part == _TOTAL or part.split(".")[0] in _OF_THE_MODEL:
        return ((record.model, record.tier), (record.model, None))
    return ((None, None),)
