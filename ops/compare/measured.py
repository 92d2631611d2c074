"""What a comparison measures: one answer, one failure, and pairs of them. Durations are seconds. Pure values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

UNACCOUNTED = "unaccounted"
_SECONDS = "_s"
NO_REPLY = "no reply"
_NO_MODEL = "none"


class Side(StrEnum):
    """The two that are compared."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"

    @property
    def other(self) -> "Side":
        return Side.CANDIDATE if self is Side.BASELINE else Side.BASELINE


@dataclass(frozen=True, slots=True)
class Taken:
    """One answer. `seconds` is what the asker waited; `stages` is the service's own account of it."""

    seconds: float
    tier: str
    model: str
    mode: str
    cache: str
    stages: Mapping[str, float] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    answer: str = ""
    sources: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """A question without an answer. `kind` is the service's word for it, or `NO_REPLY` when it gave none."""

    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One question asked of both, one right after the other. `first` was asked first, by lot."""

    question: int
    round: int
    first: Side
    baseline: Taken | Lost
    candidate: Taken | Lost

    @property
    def whole(self) -> bool:
        """Whether both answered."""
        return isinstance(self.baseline, Taken) and isinstance(self.candidate, Taken)

    def both(self) -> tuple[Taken, Taken]:
        """The two answers, the baseline's first. Raises ValueError unless `whole`."""
        if isinstance(self.baseline, Lost) or isinstance(self.candidate, Lost):
            raise ValueError("one of the two was not answered")
        return self.baseline, self.candidate

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def taken(body: Mapping[str, Any], seconds: float) -> Taken:
    """One answer of `POST /ask`. Raises KeyError or TypeError for what is none."""
    timings: Mapping[str, float] = body["timings"]
    stages = {name.removesuffix(_SECONDS): float(value) for name, value in timings.items() if name != "total_s"}
    usage = body["usage"]
    return Taken(
        seconds=seconds,
        tier=str(body["tier"]),
        model=str(body["model"] or _NO_MODEL),
        mode=str(body["mode"]),
        cache=str(body["cache"]["result"]),
        stages=stages,
        input_tokens=int(usage["input_tokens"]),
        output_tokens=int(usage["output_tokens"]),
        answer=str(body["answer"]),
        sources=tuple(sorted({str(cited["source"]) for cited in body["citations"]})),
        degraded=tuple(str(one) for one in body["degraded"]),
        trace_id=str(body["trace_id"]),
    )
