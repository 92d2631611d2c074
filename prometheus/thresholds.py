"""The bounds that rules and dashboards share: `thresholds.toml`, typed and checked.

A bound that could never fire, is no bucket, or names a model that is not configured is refused with its reason: such a
rule would be silent, and silence looks like health.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from service.telemetry.catalogue import ASK_DURATION

FILE = Path(__file__).parent / "thresholds.toml"
# Laid over it for an environment; what has no file has the bounds as they are.
OVERLAYS = {"development": Path(__file__).parent / "thresholds.development.toml"}
# A share of bad answers beyond this is not reached while anybody still gets one.
_REACHABLE = 0.8
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Fields that are spans of time, wherever they are.
_SPANS = {
    "window", "windows", "long", "short", "for_", "keep", "baseline", "min_history", "every", "baseline_every", "absent",
}  # fmt: skip


class Refused(ValueError):
    """A bound that makes no sense, with the reason and what to do."""


def span_s(text: str) -> int:
    """Seconds of a span as Prometheus writes it. Raises `Refused`."""
    if not re.fullmatch(r"\d+[smhd]", text):
        raise Refused(f"{text!r} is no span of time; write a whole number and s, m, h or d, like 90s or 6h")
    return int(text[:-1]) * _UNITS_S[text[-1]]


@dataclass(frozen=True)
class Slo:
    """What a good answer is, and which share of answers is to be good."""

    target: float
    window: str
    bound_s: Mapping[str, float]


@dataclass(frozen=True)
class Burn:
    """One pair of windows; fires when both burn faster than `factor`."""

    factor: float
    long: str
    short: str
    for_: str


@dataclass(frozen=True)
class Burns:
    """Pairs that page, and pairs that can wait until morning."""

    min_answers: int
    page: Sequence[Burn]
    ticket: Sequence[Burn]


@dataclass(frozen=True)
class Normal:
    """How the past that values are compared with is kept."""

    baseline: str
    min_history: str
    every: str
    baseline_every: str

    @property
    def min_points(self) -> int:
        """Recorded values that `min_history` has."""
        return span_s(self.min_history) // span_s(self.every)


@dataclass(frozen=True)
class Regression:
    """When a model is slower than it was."""

    windows: Sequence[str]
    z: float
    z_alone: float
    factor: float
    min_answers: int
    bounds_s: Sequence[float]
    for_: str
    keep: str
    factor_of: Mapping[str, float]


@dataclass(frozen=True)
class StageBounds:
    """When a stage is slower than it was."""

    window: str
    z: float
    factor: float
    min_seconds: float
    for_: str


@dataclass(frozen=True)
class Cold:
    """When a model is loaded too often."""

    window: str
    share: float
    min_loads: int


@dataclass(frozen=True)
class Comparison:
    """When one of two that run at the same time is slower."""

    window: str
    z: float
    factor: float
    min_answers: int
    for_: str


@dataclass(frozen=True)
class Quantiles:
    """Below `min_answers` a quantile is not shown."""

    min_answers: int


@dataclass(frozen=True)
class Slow:
    """What counts as slow where there is no account of the model's normal."""

    default_s: float
    than_a_day: Sequence[float]


@dataclass(frozen=True)
class Ratios:
    """Shares at which a panel turns yellow, then red, and an alert fires."""

    errors: Sequence[float]
    rejected: Sequence[float]
    no_context: Sequence[float]
    cache_hits_low: Sequence[float]
    window: str
    min_events: int
    for_: str
    points: float
    points_z: float


@dataclass(frozen=True)
class Queue:
    """Seconds of waiting for a model, and how full the Collector's queue may be."""

    wait_s: Sequence[float]
    collector_full: Sequence[float]
    window: str


@dataclass(frozen=True)
class Down:
    """How long something may be away."""

    for_: str
    absent: str
    window: str
    disk_free: float


@dataclass(frozen=True)
class Gpu:
    """Degrees Celsius."""

    temperature_c: Sequence[float]
    for_: str


@dataclass(frozen=True)
class Series:
    """Shares of the budget of series, and of answers beyond the last bucket."""

    share: float
    overflow: float


@dataclass(frozen=True)
class Thresholds:
    """All of them. Pairs are where a panel turns yellow, then red."""

    slo: Slo
    burn: Burns
    normal: Normal
    regression: Regression
    stage: StageBounds
    cold: Cold
    comparison: Comparison
    quantiles: Quantiles
    slow: Slow
    ratio: Ratios
    queue: Queue
    down: Down
    gpu: Gpu
    series: Series


def load(*overlays: Mapping[str, Any], file: Path = FILE, models: Iterable[str] | None = None) -> Thresholds:
    """The file with overlays on top, later ones winning. `models` are those that may be named in it, if that is known.

    Raises `Refused` for a bound that is missing, unknown or senseless.
    """
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    for overlay in overlays:
        given = _laid_over(given, overlay)
    found: Thresholds = _typed(Thresholds, given, file.name)
    _check(found, None if models is None else set(models))
    return found


def of_environment(environment: str, models: Iterable[str] | None = None) -> Thresholds:
    """The bounds of an environment's rules."""
    overlay = OVERLAYS.get(environment)
    overlays = [tomllib.loads(overlay.read_text(encoding="utf-8"))] if overlay else []
    return load(*overlays, models=models)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _laid_over(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return merged


def _typed(kind: Any, given: Any, where: str) -> Any:
    """A value of the file as its type says."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        names = {field.name.rstrip("_"): hints[field.name] for field in fields(kind)}
        if not isinstance(given, Mapping) or set(given) != set(names):
            told = set(given) if isinstance(given, Mapping) else set()
            wrong = ", ".join(sorted(set(names) ^ told))
            raise Refused(f"{where}: missing or unknown: {wrong}")
        made: Any = kind
        return made(
            **{
                field.name: _typed(hints[field.name], given[field.name.rstrip("_")], f"{where}: {field.name}")
                for field in fields(kind)
            }
        )
    if get_origin(kind) is not None:
        return _many(kind, given, where)
    if kind is float and type(given) is int:
        return float(given)
    if type(given) is not kind:
        raise Refused(f"{where}: {given!r} is not of type {kind.__name__}")
    return given


def _many(kind: GenericAlias, given: Any, where: str) -> Any:
    table = get_origin(kind) is Mapping
    if table and isinstance(given, Mapping):
        return {name: _typed(get_args(kind)[1], value, f"{where}: {name}") for name, value in given.items()}
    if table or not isinstance(given, list | tuple):
        raise Refused(f"{where}: {given!r} is no {'table' if table else 'list'}")
    return tuple(_typed(get_args(kind)[0], value, where) for value in given)


def _spans(given: Any, where: str = "") -> Iterable[tuple[str, str]]:
    """Every span of time with its place."""
    if is_dataclass(given):
        for field in fields(given):
            place = f"{where}.{field.name.rstrip('_')}".lstrip(".")
            value = getattr(given, field.name)
            if field.name in _SPANS:
                yield from ((place, span) for span in ((value,) if isinstance(value, str) else value))
            else:
                yield from _spans(value, place)
    elif isinstance(given, tuple):
        for one in given:
            yield from _spans(one, where)


def _check(given: Thresholds, models: set[str] | None) -> None:
    for where, span in _spans(given):
        try:
            span_s(span)
        except Refused as refused:
            raise Refused(f"{where}: {refused}") from None
    _check_objective(given)
    _check_buckets(given)
    strangers = set(given.regression.factor_of) - models if models is not None else set()
    if strangers:
        raise Refused(
            f"regression.factor_of: {', '.join(sorted(strangers))} is not configured; known are "
            f"{', '.join(sorted(models or ()))} (RAG_ROUTING__MODELS__*, RAG_ROUTING__EXTRA_MODELS)"
        )
    if given.normal.min_points < 1:
        raise Refused("normal: min_history is shorter than every, so nothing would ever be without a history")


def _check_objective(given: Thresholds) -> None:
    for burn in (*given.burn.page, *given.burn.ticket):
        share = burn.factor * (1 - given.slo.target)
        if share >= _REACHABLE:
            raise Refused(
                f"burn: factor {burn.factor:g} with target {given.slo.target:g} fires only when {share:.0%} of all "
                f"answers are bad, so never in time; take a lower factor or a higher target, until it is below 80 %"
            )


def _check_buckets(given: Thresholds) -> None:
    for where, bounds in (
        ("slo.bound_s", given.slo.bound_s.values()),
        ("regression.bounds_s", given.regression.bounds_s),
        ("slow.default_s", (given.slow.default_s,)),
    ):
        for bound in bounds:
            if bound not in ASK_DURATION.buckets:
                near = min(ASK_DURATION.buckets, key=lambda bucket: abs(bucket - bound))
                raise Refused(f"{where}: {bound:g} s is no bucket of {ASK_DURATION.name}; the nearest is {near:g}")
