"""What Prometheus has recorded of two versions or environments: answers, stages, tokens, cache, failures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan
from typing import Any

from ops.compare.blocks import Block, uncumulated
from service.ask.types import Outcome
from service.cli.drill.json_api import JsonApi
from service.cli.failures import USAGE, Failure
from service.cli.wording import count
from service.telemetry import catalogue
from service.telemetry.metric import Metric
from service.telemetry.vocabulary import AskCache, Start

_ENVIRONMENT, _VERSION = catalogue.CONSTANT_LABELS
_LABELS = {"environment": _ENVIRONMENT, "version": _VERSION, "instance": "instance", "job": "job"}
_ONE = re.compile(r"\s*(\w+)\s*=\s*([^,\"\\{}]+?)\s*")
_REMEDY = "Start it (`make stack`), or name its address with --from-metrics."
_ANSWERED = f'outcome=~"{Outcome.OK}|{Outcome.DEGRADED}"'
# Answers that were made, by a model that was there.
_MADE = f'{_ANSWERED},cache!="{AskCache.HIT}",start="{Start.WARM}"'


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that ends at `end` (Unix seconds), in `blocks` of `block_s`."""

    end: float
    blocks: int
    block_s: float

    @property
    def seconds(self) -> float:
        return self.blocks * self.block_s


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the whole time; counts are Prometheus' estimates."""

    asked: float
    failed: float
    hits: float
    answered: float
    cold: float
    input_tokens: float
    output_tokens: float
    stages_s: Mapping[str, float]

    @property
    def failed_share(self) -> float:
        return self.failed / self.asked if self.asked else 0.0

    @property
    def hit_share(self) -> float:
        return self.hits / self.answered if self.answered else 0.0


def selector(text: str, option: str) -> str:
    """From `environment=production,version=0.2.0` to a selector. Raises `Failure`."""
    parts = [_ONE.fullmatch(part) for part in text.split(",")]
    found = {part[1]: part[2] for part in parts if part is not None}
    if len(found) < len(parts) or not found.keys() <= _LABELS.keys():
        why = f"{text!r} does not say which series are meant"
        todo = f"Write it like {option} environment=production or {option} version=0.2.0 ({', '.join(_LABELS)})."
        raise Failure(f"With --from-metrics, {option} is no address", why, todo=todo, code=USAGE)
    return ",".join(f'{_LABELS[name]}="{value}"' for name, value in found.items())


class Recorded:
    """Prometheus at `url`. Raises `Failure`."""

    def __init__(self, url: str) -> None:
        self._api = JsonApi("Prometheus", url, _REMEDY, timeout_s=30.0)

    def tiers(self, which: str, span: Span) -> dict[str, list[Block]]:
        """Answers that were made, by tier and block of time."""
        counts, sums = (self._blocks(which, suffix, "tier", span) for suffix in ("_count", "_sum"))
        buckets = self._blocks(which, "_bucket", "tier, le", span)
        cells: dict[tuple[str, float], dict[float, float]] = {}
        for (tier, bound, at), value in buckets.items():
            cells.setdefault((tier, at), {})[float(bound.replace("+Inf", "inf"))] = value
        found: dict[str, list[Block]] = {}
        for (tier, _, at), number in sorted(counts.items(), key=lambda item: item[0][2]):
            if number > 0:
                kept = uncumulated(cells.get((tier, at), {inf: number}))
                found.setdefault(tier, []).append(Block(number, sums.get((tier, "", at), 0.0), kept))
        return found

    def totals(self, which: str, span: Span) -> Totals:
        """Of everything that was asked."""
        asked = self._sum(catalogue.ASK_DURATION, "_count", which, span, "outcome", "cache", "start")
        stages = [self._sum(catalogue.STAGE_DURATION, suffix, which, span, "stage") for suffix in ("_sum", "_count")]
        bad = {Outcome.ERROR.value, Outcome.REJECTED.value}
        good = {Outcome.OK.value, Outcome.DEGRADED.value}
        return Totals(
            asked=sum(asked.values()),
            failed=sum(value for (outcome, _, _), value in asked.items() if outcome in bad),
            answered=sum(value for (outcome, _, _), value in asked.items() if outcome in good),
            hits=sum(value for (outcome, hit, _), value in asked.items() if hit == AskCache.HIT and outcome in good),
            cold=sum(value for (_, _, start), value in asked.items() if start == Start.COLD),
            input_tokens=sum(self._sum(catalogue.INPUT_TOKENS, "", which, span).values()),
            output_tokens=sum(self._sum(catalogue.OUTPUT_TOKENS, "", which, span).values()),
            stages_s={name[0]: value / stages[1][name] for name, value in stages[0].items() if stages[1].get(name)},
        )

    def known(self) -> list[str]:
        """Every environment and version that there is, in the form of the options."""
        name = catalogue.ASK_DURATION.name
        expression = f"count by ({_ENVIRONMENT}, {_VERSION}) (last_over_time({name}_count[1d]))"
        series = [one["metric"] for one in self._result("/api/v1/query", query=expression)]
        return sorted(f"environment={one.get(_ENVIRONMENT, '')},version={one.get(_VERSION, '')}" for one in series)

    def require(self, tiers: Mapping[str, list[Block]], side: str, text: str, span: Span) -> None:
        """Raises `Failure`, with what there is, when there are no answers."""
        if tiers:
            return
        lines = [f"it knows {one}" for one in self.known()] or ["it knows of no answers at all"]
        why = f"within {count(round(span.seconds / 60), 'minute')} nothing was answered there"
        raise Failure(f"Prometheus has no answers of the {side}, {text}", why, lines=lines)

    def _blocks(self, which: str, suffix: str, labels: str, span: Span) -> dict[tuple[str, str, float], float]:
        """By tier, bucket (or nothing) and time."""
        name = f"{catalogue.ASK_DURATION.name}{suffix}"
        window = f"{span.block_s:.0f}s"
        series = self._result(
            "/api/v1/query_range",
            query=f"sum by ({labels}) (increase({name}{{{which},{_MADE}}}[{window}]))",
            start=f"{span.end - span.seconds + span.block_s:.3f}",
            end=f"{span.end:.3f}",
            step=window,
        )
        return {
            (str(one["metric"].get("tier", "")), str(one["metric"].get("le", "")), float(at)): float(value)
            for one in series
            for at, value in one["values"]
            if not isnan(float(value))
        }

    def _sum(self, metric: Metric, suffix: str, which: str, span: Span, *labels: str) -> dict[tuple[str, ...], float]:
        expression = f"sum by ({', '.join(labels)}) (increase({metric.name}{suffix}{{{which}}}[{span.seconds:.0f}s]))"
        series = self._result("/api/v1/query", query=expression, time=f"{span.end:.3f}")
        return {tuple(one["metric"].get(label, "") for label in labels): float(one["value"][1]) for one in series}

    def _result(self, path: str, **params: str) -> list[dict[str, Any]]:
        answer = self._api.get(path, **params)
        if not isinstance(answer, dict) or "data" not in answer:
            raise Failure(f"What answers at {self._api.url} is not Prometheus", todo=_REMEDY)
        return list(answer["data"]["result"])
