"""What is usual for each model and stage: a rolling median and spread of the last answers. Pure memory, bounded.

Learned from warm answers that were made: neither failures nor cold loads nor shared work count as usual, and answers
from the cache are a group of their own. A model is never measured against another one. A stage that an answer did not
need counts as 0 s, so that the median of a stage is what an answer of this model usually spends there.

Values are kept in order, the oldest gives way to the newest; medians and spreads are taken anew only when a sixteenth
of the values has changed, so that a record costs microseconds.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping

from service.ask.types import Outcome, Stage
from service.cache.port import CacheResult
from service.monitoring.port import GENERATE_OTHER, NO_MODEL, UNACCOUNTED, Normal, QueryRecord, Usual
from service.monitoring.quantiles import quantile

ENOUGH = 10
ROLLING = 200
TOTAL = "total"
# The group of answers from the cache, whatever model once made them; models' names are never empty.
HITS = ""

# The distance between the quartiles of a normal distribution, in standard deviations.
_QUARTILES = 1.349
_FRESH = 16
# Models come from an allow-list, so this is never reached; it bounds the memory even if that should change.
_MAX_GROUPS = 200
_ANSWERED = frozenset({Outcome.OK, Outcome.DEGRADED})
_WORKED = frozenset({CacheResult.MISS, CacheResult.EXPIRED, CacheResult.INVALIDATED, CacheResult.BYPASS})


def parts_of(record: QueryRecord) -> dict[str, float]:
    """Seconds per disjoint part: the stages, and `unaccounted`; together the stages and the unaccounted rest. Where the
    model server's own phases are known they stand in place of `generate`, with `generate.other` for the rest of it."""
    parts = {stage.value: seconds for stage, seconds in record.stages.items()}
    if record.phases and Stage.GENERATE in record.stages:
        whole_s = parts.pop(Stage.GENERATE)
        parts |= {f"{Stage.GENERATE}.{phase}": seconds for phase, seconds in record.phases.items()}
        parts[GENERATE_OTHER] = max(0.0, whole_s - sum(record.phases.values()))
    parts[UNACCOUNTED] = record.unaccounted_s
    return parts


def group_of(record: QueryRecord) -> str:
    """Whose usual a record is measured against."""
    return HITS if record.cache is CacheResult.HIT else record.model or NO_MODEL


class Normals:
    """One group per model. Not safe from several threads at once; its owner has a lock."""

    def __init__(self, rolling: int = ROLLING) -> None:
        self._rolling = rolling
        self._groups: dict[str, _Group] = {}

    def learn(self, record: QueryRecord) -> None:
        """Take a record into what is usual, if it is of a kind that may be."""
        hit = record.cache is CacheResult.HIT
        if record.outcome not in _ANSWERED or record.cold or not (hit or record.cache in _WORKED):
            return
        name = group_of(record)
        group = self._groups.get(name)
        if group is None:
            if len(self._groups) >= _MAX_GROUPS:
                return
            group = self._groups[name] = _Group(self._rolling)
        seconds = parts_of(record)
        # The whole of it too: of failures, and where stages are shown, the phases are not known.
        seconds[Stage.GENERATE.value] = record.stages.get(Stage.GENERATE, 0.0)
        seconds[TOTAL] = record.duration_s
        group.add(seconds)

    def of(self, record: QueryRecord) -> Mapping[str, Normal]:
        """By part, and `TOTAL`; empty while too little was asked to say."""
        group = self._groups.get(group_of(record))
        return group.normals() if group is not None else {}

    def usual(self) -> dict[str, Usual]:
        """By model; hits are left out."""
        return {name: group.usual() for name, group in sorted(self._groups.items()) if name != HITS}


class _Group:
    """The last answers of one model: a value in every part for each of them."""

    def __init__(self, rolling: int) -> None:
        self._rolling = rolling
        self._parts: dict[str, _Rolling] = {}
        self._count = 0
        self._changed = 0
        self._normals: Mapping[str, Normal] = {}

    def add(self, seconds: Mapping[str, float]) -> None:
        for part in seconds:
            if part not in self._parts:
                # Nothing was spent there before.
                self._parts[part] = _Rolling(self._rolling, self._count)
        for part, values in self._parts.items():
            values.add(seconds.get(part, 0.0))
        self._count = min(self._count + 1, self._rolling)
        self._changed += 1

    def normals(self) -> Mapping[str, Normal]:
        """Empty while there are fewer than `ENOUGH` answers."""
        if self._count >= ENOUGH and self._changed > self._count // _FRESH:
            self._changed = 0
            self._normals = {part: values.normal() for part, values in self._parts.items()}
        return self._normals

    def usual(self) -> Usual:
        stages = dict(self.normals())
        total = stages.pop(TOTAL, Normal(self._count))
        return Usual(total, stages)


class _Rolling:
    """The last values, also in order; the first `zeros` of them are 0."""

    def __init__(self, rolling: int, zeros: int) -> None:
        self._ordered = [0.0] * zeros
        self._arrived = deque(self._ordered, rolling)

    def add(self, value: float) -> None:
        ordered, arrived = self._ordered, self._arrived
        if len(arrived) == arrived.maxlen:
            del ordered[bisect_left(ordered, arrived[0])]
        arrived.append(value)
        insort(ordered, value)

    def normal(self) -> Normal:
        values = self._ordered
        spread_s = (quantile(values, 0.75) - quantile(values, 0.25)) / _QUARTILES
        return Normal(len(values), quantile(values, 0.5), spread_s)
