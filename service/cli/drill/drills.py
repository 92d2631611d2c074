"""Every drill: what it proves, which alert with which labels must come, what is asked meanwhile, and what is broken."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from service.cli.drill import faults
from service.cli.drill.faults import Acting
from service.cli.drill.links import ENVIRONMENT, MODEL
from service.cli.drill.parts import Parts
from service.cli.drill.scene import Scene

# A past that is so uneven that this would not be seen in it is waited out.
_SLOWER = 2.5


def _slower(median: float) -> float:
    return median * _SLOWER


def _none(median: float) -> float:
    del median
    return 0.0


def _anywhere(parts: Parts) -> None:
    del parts


class Asks(StrEnum):
    """What is asked from the beginning to the end: nothing, questions that reach a model, or the same few again."""

    NOTHING = "nothing"
    FRESH = "fresh"
    REPEATED = "repeated"


@dataclass(frozen=True)
class Drill:
    """One drill. `names_model`: the alert names the model; `labels` are further ones.

    `usual` says what the followed value becomes, given its median, when the rule compares with the past; then questions
    are asked until there is one. `traced`: the alert brings a query of traces. `possible` refuses where the drill does
    not apply.
    """

    name: str
    proves: str
    alert: str
    inject: Callable[[Acting], AbstractContextManager[str]]
    asks: Asks = Asks.NOTHING
    names_model: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    usual: Callable[[float], float] | None = None
    traced: bool = False
    possible: Callable[[Parts], object] = _anywhere

    @property
    def needs_model(self) -> bool:
        """Whether a model is asked or touched."""
        return self.names_model or self.asks is not Asks.NOTHING

    def expected(self, scene: Scene) -> dict[str, str]:
        """Labels of the alert that must come."""
        model = {MODEL: scene.model} if self.names_model else {}
        return {ENVIRONMENT: scene.environment} | model | dict(self.labels)


_ALL = (
    Drill(
        "slow-model",
        "a model that became slower is noticed, and named",
        "RagModelLatencyRegression",
        faults.slow_model,
        Asks.FRESH,
        names_model=True,
        usual=_slower,
        traced=True,
        possible=Parts.ollama_process,
    ),
    Drill(
        "cold-model",
        "a model that is loaded again and again is noticed, and named",
        "RagModelColdLoads",
        faults.cold_model,
        Asks.FRESH,
        names_model=True,
        traced=True,
        possible=Parts.models,
    ),
    Drill(
        "model-missing",
        "a configured model that is not installed is noticed, and named",
        "RagModelMissing",
        faults.model_missing,
        names_model=True,
        possible=Parts.models,
    ),
    Drill(
        "ollama-down",
        "an Ollama that does not answer pages somebody",
        "RagOllamaDown",
        faults.ollama_down,
        possible=Parts.ollama_process,
    ),
    Drill(
        "chroma-down",
        "a Chroma server that does not answer is noticed",
        "RagChromaDown",
        faults.chroma_down,
        possible=Parts.chroma_process,
    ),
    Drill(
        "collector-down",
        "a Collector that does not answer is noticed",
        "CollectorDown",
        faults.collector_down,
        labels={"job": "otelcol"},
        possible=Parts.collector_process,
    ),
    Drill(
        "cache-flushed",
        "a cache that stops finding answers is noticed",
        "RagCacheHitRatioDrop",
        faults.cache_flushed,
        Asks.REPEATED,
        usual=_none,
        traced=True,
    ),
    Drill(
        "queue-full",
        "questions that are turned away are noticed",
        "RagRequestsShed",
        faults.queue_full,
        Asks.FRESH,
        traced=True,
    ),
    Drill(
        "poisoned",
        "questions that fail page somebody",
        "RagErrorRatioHigh",
        faults.poisoned,
        Asks.FRESH,
        traced=True,
        possible=Parts.ollama_process,
    ),
)
DRILLS: Mapping[str, Drill] = {drill.name: drill for drill in _ALL}
