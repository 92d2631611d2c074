"""Small figures of the last minutes for charts: counted as requests end, in steps of a wall clock. Bounded.

A request costs two microseconds. Not safe from several threads at once; its owner has a lock.
"""

from collections import deque
from dataclasses import dataclass, field

from service.cache.port import CacheResult
from service.clock import Clock
from service.monitoring.port import NO_MODEL, LiveFigures, QueryRecord

STEP_S = 15
STEPS = 60
_LOOKED_UP_IN_VAIN = frozenset({CacheResult.MISS, CacheResult.EXPIRED, CacheResult.INVALIDATED})
# Models come from an allow-list, so this is never reached.
_MAX_MODELS = 200


class LiveSteps:
    """The last `STEPS` steps. A wall clock that was set back goes on filling the latest step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._steps: deque[_Step] = deque(maxlen=STEPS)

    def add(self, record: QueryRecord, *, failed: bool) -> None:
        """Failures count as asked alone."""
        number = int(self._clock.time() // STEP_S)
        if not self._steps or self._steps[-1].number < number:
            self._steps.append(_Step(number))
        step = self._steps[-1]
        step.asked += 1
        step.hits += record.cache is CacheResult.HIT
        step.misses += record.cache in _LOOKED_UP_IN_VAIN
        name = record.model or NO_MODEL
        if (
            not failed
            and record.cache is not CacheResult.HIT
            and (name in step.models or len(step.models) < _MAX_MODELS)
        ):
            model = step.models.setdefault(name, _Model())
            model.count += 1
            model.total_s += record.duration_s
            eval_s = record.phases.get("eval", 0.0)
            model.tokens += record.output_tokens if eval_s > 0 else 0
            model.eval_s += eval_s

    def read(self) -> LiveFigures:
        """The figures up to now; models that answered within the time only."""
        last = int(self._clock.time() // STEP_S)
        if self._steps:
            last = max(last, self._steps[-1].number)
        numbers = range(last - STEPS + 1, last + 1)
        found = {step.number: step for step in self._steps}
        steps = [found.get(number, _Step(number)) for number in numbers]
        names = sorted({name for step in steps for name in step.models})
        return LiveFigures(
            step_s=STEP_S,
            from_at=float(numbers[0] * STEP_S),
            asked=[step.asked for step in steps],
            hit_ratio=[_ratio(step.hits, step.hits + step.misses) for step in steps],
            latency={name: [_of(step, name).mean_s for step in steps] for name in names},
            tokens_per_s={name: [_of(step, name).tokens_per_s for step in steps] for name in names},
        )


@dataclass(slots=True)
class _Model:
    count: int = 0
    total_s: float = 0.0
    tokens: int = 0
    eval_s: float = 0.0

    @property
    def mean_s(self) -> float | None:
        return _ratio(self.total_s, self.count)

    @property
    def tokens_per_s(self) -> float | None:
        return _ratio(self.tokens, self.eval_s)


@dataclass(slots=True)
class _Step:
    number: int
    asked: int = 0
    hits: int = 0
    misses: int = 0
    models: dict[str, _Model] = field(default_factory=dict)


_NOTHING = _Model()


def _of(step: _Step, model: str) -> _Model:
    return step.models.get(model, _NOTHING)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
