"""Bounds that make no sense are refused with the reason: a rule that can never fire would look like health."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prometheus.thresholds import FILE, Refused, load, of_environment, span_s

LONG, SHORT = {"factor": 14.4, "long": "1h", "short": "5m", "for": "2m"}, {"regression": {"bounds_s": [2.56]}}


def _pair(**changed: object) -> dict[str, Any]:
    return {"burn": {"page": [{**LONG, **changed}]}}


@pytest.mark.parametrize(
    ("overlay", "reason"),
    [
        # An objective of which the fastest pair fires only when nearly every answer is bad.
        ({"slo": {"target": 0.94}}, "factor 14.4 with target 0.94 fires only when 86% of all answers are bad"),
        (_pair(factor=16), "factor 16 with target 0.95 fires only when 80% of all answers are bad"),
        ({"burn": {"ticket": [{**LONG, "factor": 20.0}]}}, "factor 20 "),
        # Bounds between two buckets: their share cannot be known.
        (
            {"slo": {"bound_s": {"simple": 5.0}}},
            "slo.bound_s: 5 s is no bucket of rag_ask_duration_seconds; the nearest",
        ),
        ({"regression": {"bounds_s": [0.32, 2.5]}}, "regression.bounds_s: 2.5 s is no bucket"),
        ({"slow": {"default_s": 10}}, "the nearest is 10.24"),
        # Names.
        ({"regression": {"factor_of": {"llama9:1b": 1.5}}}, "llama9:1b is not configured; known are llama3.2:3b"),
        ({"regresion": {"z": 3}}, "missing or unknown: regresion"),
        ({"regression": {"zed": 3}}, "thresholds.toml: regression: missing or unknown: zed"),
        ({"burn": {"page": [{"factor": 6.0}]}}, "missing or unknown: for, long, short"),
        # Types.
        ({"regression": {"z": "4"}}, "'4' is not of type float"),
        ({"regression": {"z": True}}, "True is not of type float"),
        ({"regression": {"min_answers": 20.5}}, "20.5 is not of type int"),
        ({"regression": {"windows": "1h"}}, "'1h' is no list"),
        ({"regression": {"factor_of": 1.5}}, "1.5 is no table"),
        ({"cold": 3}, "cold: missing or unknown"),
        # Spans, wherever they are.
        ({"regression": {"windows": ["1h", "a day"]}}, "regression.windows: 'a day' is no span of time"),
        (_pair(short="300"), "burn.page.short: '300' is no span of time"),
        (_pair(**{"for": "2 m"}), "burn.page.for: '2 m' is no span"),
        ({"down": {"absent": "1w"}}, "down.absent: '1w' is no span"),
        ({"normal": {"min_history": "1m"}}, "min_history is shorter than every"),
    ],
)
def test_refused_with_the_reason(overlay: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        load(overlay, models=["llama3.2:3b"])
    assert reason in str(refused.value)


def test_a_missing_bound_is_named(tmp_path: Path) -> None:
    file = tmp_path / "bounds.toml"
    file.write_text(FILE.read_text().replace("min_loads = 5", ""))
    with pytest.raises(Refused, match=r"bounds\.toml: cold: missing or unknown: min_loads"):
        load(file=file)


def test_the_highest_factor_that_can_be_reached_is_taken() -> None:
    assert load(_pair(factor=15.9)).burn.page[0].factor == 15.9


def test_a_configured_model_may_have_a_factor() -> None:
    given = load({"regression": {"factor_of": {"gpt-oss:20b": 1.5}}}, models=["gpt-oss:20b"])
    assert given.regression.factor_of == {"gpt-oss:20b": 1.5}


def test_whole_numbers_are_numbers() -> None:
    assert load({"regression": {"z": 5}}).regression.z == 5.0


def test_an_environment_without_bounds_of_its_own_has_those_of_the_file() -> None:
    assert of_environment("production") == of_environment("elsewhere") == load()
    assert of_environment("development") != load()


def test_development_changes_the_pace_and_not_what_is_unusual() -> None:
    slow, quick = load(), of_environment("development")
    assert quick.slo == slow.slo
    for name in ("z", "factor", "bounds_s", "factor_of"):
        assert getattr(quick.regression, name) == getattr(slow.regression, name), name
    assert [burn.factor for burn in quick.burn.page] == [burn.factor for burn in slow.burn.page]
    assert [burn.factor for burn in quick.burn.ticket] == [burn.factor for burn in slow.burn.ticket]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("6h", 21_600), ("7d", 604_800)])
def test_a_span_in_seconds(text: str, seconds: int) -> None:
    assert span_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1", "1.5h", "-1h", "1h30m", " 1h"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(Refused, match="no span of time"):
        span_s(text)
