"""The bounds that dashboards share with rules and tests: `prometheus/thresholds.toml`, typed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "prometheus" / "thresholds.toml"


@dataclass(frozen=True)
class Thresholds:
    """Seconds and ratios; pairs are where a panel turns yellow, then red."""

    slo_target: float
    slo_window: str
    slo_bound_s: Mapping[str, float]
    min_answers: int
    slow_s: float
    slower: tuple[float, float]
    errors: tuple[float, float]
    rejected: tuple[float, float]
    no_context: tuple[float, float]
    cache_hits_low: tuple[float, float]
    burn_ticket: float
    burn_page: float
    queue_wait_s: tuple[float, float]
    collector_full: tuple[float, float]
    gpu_temperature_c: tuple[float, float]


def load(file: Path = FILE) -> Thresholds:
    """Raises `KeyError` for a bound that is missing."""
    given = tomllib.loads(file.read_text())
    ratio, burn, queue = given["ratio"], given["burn"], given["queue"]
    return Thresholds(
        slo_target=given["slo"]["target"],
        slo_window=given["slo"]["window"],
        slo_bound_s=given["slo"]["bound_s"],
        min_answers=given["quantiles"]["min_answers"],
        slow_s=given["slow"]["default_s"],
        slower=_pair(given["slow"]["than_a_day"]),
        errors=_pair(ratio["errors"]),
        rejected=_pair(ratio["rejected"]),
        no_context=_pair(ratio["no_context"]),
        cache_hits_low=_pair(ratio["cache_hits_low"]),
        burn_ticket=burn["ticket"],
        burn_page=burn["page"],
        queue_wait_s=_pair(queue["wait_s"]),
        collector_full=_pair(queue["collector_full"]),
        gpu_temperature_c=_pair(given["gpu"]["temperature_c"]),
    )


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return low, high
