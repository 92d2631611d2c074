"""What a metric is: its record, its labels, and the vocabularies that labels can have. The metrics: `catalogue.py`."""

from dataclasses import dataclass
from enum import StrEnum
from math import prod


class Kind(StrEnum):
    """Prometheus metric types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Source(StrEnum):
    """Who gives the values: wrappers as things happen, or observers that read the present state at scrape time."""

    EVENT = "event"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Models:
    """A vocabulary known at start only: configured chat models, perhaps the embedder, perhaps "none"; and "other"."""

    embedder: bool = False
    none: bool = False

    def count(self, chat_models: int) -> int:
        return chat_models + self.embedder + self.none + 1


@dataclass(frozen=True, slots=True)
class Open:
    """Values that are known only when seen; after `max` different ones, "other"."""

    max: int


CHAT_MODELS = Models()
CHAT_MODELS_OR_NONE = Models(none=True)
MODELS = Models(embedder=True)
MODELS_OR_NONE = Models(embedder=True, none=True)


@dataclass(frozen=True, slots=True)
class Label:
    """A label and the values it can have. `kept`: it says how things ended, and is never folded away with others."""

    name: str
    values: tuple[str, ...] | Models | Open
    kept: bool = False

    def count(self, chat_models: int) -> int:
        if isinstance(self.values, Models):
            return self.values.count(chat_models)
        return self.values.max if isinstance(self.values, Open) else len(self.values)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` is as exposed; `unit` is "" for plain counts; `at_start`: all label sets exist from start."""

    name: str
    kind: Kind
    help: str
    unit: str = ""
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    source: Source = Source.EVENT
    at_start: bool = False

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def series_per_set(self) -> int:
        """Lines of one label set: for a histogram its buckets, +Inf, sum and count."""
        return len(self.buckets) + 3 if self.kind is Kind.HISTOGRAM else 1

    @property
    def overflow_sets(self) -> int:
        """Label sets that hold what finds no room: one per value of the kept labels, and one for values unheard of."""
        return prod(label.count(0) + 1 for label in self.labels if label.kept) if self.labels else 0

    def product(self, chat_models: int) -> int:
        """Series if every combination of label values came up."""
        return self.series_per_set * prod(label.count(chat_models) for label in self.labels)
