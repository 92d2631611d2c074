"""Defaults and overrides of a panel, by the name of a series."""

import pytest

from dashboards.picture.field import Step, field_of

CONFIG = {
    "defaults": {
        "unit": "s",
        "min": 0,
        "noValue": "no traffic",
        "thresholds": {"steps": [{"value": None, "color": "green"}, {"value": 3, "color": "red"}]},
        "mappings": [
            {
                "type": "value",
                "options": {"0": {"text": "away", "color": "red"}, "1": {"text": "there", "color": "green"}},
            },
            {"type": "special", "options": {"match": "null+nan", "result": {"text": "n < 20"}}},
        ],
        "custom": {"lineWidth": 1},
    },
    "overrides": [
        {"matcher": {"id": "byRegexp", "options": "/^mean/"}, "properties": [{"id": "custom.lineWidth", "value": 2}]},
        {
            "matcher": {"id": "byName", "options": "error"},
            "properties": [
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                {"id": "unit", "value": "none"},
            ],
        },
    ],
}


def test_defaults_hold_for_what_no_override_names() -> None:
    field = field_of(CONFIG, "p50")
    assert (field.unit, field.least, field.most, field.empty) == ("s", 0, None, "no traffic")
    assert field.custom("lineWidth") == 1
    assert field.custom("lineStyle") is None
    assert field.fixed_color == ""
    assert field.steps == [Step(None, "green"), Step(3, "red")]


def test_overrides_by_pattern_and_by_name() -> None:
    assert field_of(CONFIG, "mean llama").custom("lineWidth") == 2
    assert field_of(CONFIG, "the mean").custom("lineWidth") == 1
    error = field_of(CONFIG, "error")
    assert (error.fixed_color, error.unit) == ("red", "none")
    assert field_of(CONFIG, "errors").fixed_color == ""


def test_words_of_values() -> None:
    field = field_of(CONFIG)
    assert field.words == {"0": ("away", "red"), "1": ("there", "green")}
    assert field.word_for_no_number == "n < 20"
    assert field_of({"defaults": {"noValue": "none"}}).word_for_no_number == "none"


def test_another_kind_of_override_is_an_error() -> None:
    with pytest.raises(ValueError, match="byType"):
        field_of({"overrides": [{"matcher": {"id": "byType", "options": "number"}, "properties": []}]}, "a")
