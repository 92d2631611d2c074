"""Filters of queries, and the words they know. Pure."""

from collections.abc import Iterable

from service.ask.types import Stage
from service.monitoring.port import GENERATE_OTHER, NO_MODEL, UNACCOUNTED, JudgedQuery, Wanted

_PHASES = ("queue", "load", "prompt_eval", "eval")
# Everything that can be at fault.
FAULTS = (*Stage, *(f"{Stage.GENERATE}.{phase}" for phase in _PHASES), GENERATE_OTHER, UNACCOUNTED)


def takes(wanted: Wanted, query: JudgedQuery) -> bool:
    """Whether a query passes."""
    record = query.record
    return (
        (not wanted.models or (record.model or NO_MODEL) in wanted.models)
        and (not wanted.stages or query.stage in wanted.stages)
        and (not wanted.outcomes or record.outcome in wanted.outcomes)
        and (not wanted.caches or record.cache in wanted.caches)
    )


def with_phases(stages: Iterable[str]) -> frozenset[str]:
    """`generate` means the model's phases too."""
    named = frozenset(stages)
    return named | {fault for fault in FAULTS if fault.partition(".")[0] in named}
