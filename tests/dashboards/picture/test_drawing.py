"""What panels draw, before it is drawn: buckets, runs of states, lines and their colours, numbers, words, names."""

import math

import numpy as np
import pytest

from dashboards.picture import bars, colors, heatmap, lines, number, table, timeline, words
from dashboards.picture.answers import Answer, legend
from dashboards.picture.board import Panel, Target
from dashboards.picture.field import field_of
from dashboards.picture.prometheus import Series

NAN = math.nan
STATES = {
    "mappings": [
        {"type": "value", "options": {"0": {"text": "away", "color": "red"}, "1": {"text": "there", "color": "green"}}}
    ]
}


def answer(*series: tuple[dict[str, str], list[float]], template: str = "{{name}}", step_s: float = 15) -> Answer:
    target = Target("A", "prometheus", "datasource", "", template, is_range=True, with_exemplars=False)
    made = [Series(labels, np.array(values)) for labels, values in series]
    length = len(series[0][1]) if series else 0
    return Answer(target, np.arange(length) * step_s, made, [legend(template, one.labels) for one in made], [])


def panel(**config: object) -> Panel:
    return Panel({"fieldConfig": {"defaults": config}})


def test_names_of_series() -> None:
    assert legend("mean {{model}}", {"model": "a"}) == "mean a"
    assert legend("{{ model }} {{reason}}", {"model": "a"}) == "a"
    assert legend("{{error_type}}", {}) == "Value"
    assert legend("", {"job": "a", "env": "b"}) == '{job="a", env="b"}'


def test_buckets_are_told_apart_in_the_order_of_their_bounds() -> None:
    bounds, counts = heatmap.by_bucket(answer(({"le": "+Inf"}, [9]), ({"le": "0.5"}, [2]), ({"le": "1.0"}, [7])))
    assert bounds == [0.5, 1, math.inf]
    assert counts.tolist() == [[2], [5], [2]]
    assert heatmap.by_bucket(answer())[0] == []


def test_a_value_stands_within_the_row_of_its_bucket() -> None:
    bounds = [0.5, 1.0, math.inf]
    assert heatmap.row_of(0.25, bounds) == 0.5
    assert heatmap.row_of(0.75, bounds) == 1.5
    assert heatmap.row_of(1.0, bounds) == 2.0
    assert heatmap.row_of(50, bounds) == 2.5
    assert heatmap.row_of(50, bounds[:2]) == 2.5


def test_only_as_many_bounds_are_written_as_there_is_room_for() -> None:
    assert heatmap.rows([1, 2, 3, 4], "s", height=100).labels == ["1 s", "2 s", "3 s", "4 s"]
    assert heatmap.rows([1, 2, 3, 4], "s", height=41).labels == ["2 s", "4 s"]


def test_neighbours_of_one_state_are_one_run_and_gaps_part_them() -> None:
    field = field_of({"defaults": STATES})
    values = np.array([1, 1, 0, NAN, 0, 7])
    found = timeline.runs(np.arange(6) * 15.0, values, field)
    red, green = colors.shown("red"), colors.shown("green")
    assert [(run.start_s, run.end_s, run.color) for run in found] == [
        (0, 30, green),
        (30, 45, red),
        (60, 75, red),
        (75, 90, colors.TEXT),
    ]


def test_lines_have_their_colour_by_name_or_by_their_place_and_empty_ones_none() -> None:
    config = {
        "defaults": {},
        "overrides": [
            {
                "matcher": {"id": "byName", "options": "b"},
                "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}}],
            }
        ],
    }
    given = answer(({"name": "empty"}, [NAN]), ({"name": "a"}, [1]), ({"name": "b"}, [2]), ({"name": "c"}, [3]))
    found = lines.drawn(Panel({"fieldConfig": config}), [given])
    assert [(line.name, line.color) for line in found] == [
        ("a", colors.of_series(0)),
        ("b", colors.shown("red")),
        ("c", colors.of_series(2)),
    ]


def test_a_stack_is_as_high_as_its_sum() -> None:
    found = lines.drawn(panel(), [answer(({"name": "a"}, [1, NAN]), ({"name": "b"}, [3, 9]))])
    field = panel(min=0).field()
    assert lines.scale_of(found, field, is_log=False, is_stacked=True).high >= 9
    assert lines.scale_of(found, field, is_log=False, is_stacked=False).high >= 9
    both = lines.drawn(panel(), [answer(({"name": "a"}, [6]), ({"name": "b"}, [6]))])
    assert lines.scale_of(both, field, is_log=False, is_stacked=True).high >= 12
    assert lines.scale_of(both, field, is_log=False, is_stacked=False).high < 12


def test_a_number_is_the_last_one_in_the_colour_of_its_threshold() -> None:
    steps = {"thresholds": {"steps": [{"value": None, "color": "green"}, {"value": 2, "color": "red"}]}}
    shown = panel(unit="s", noValue="no traffic", **steps)
    assert number.said(shown, [answer(({}, [1, 3, NAN]))]) == ("3 s", colors.shown("red"))
    assert number.said(shown, [answer()]) == ("no traffic", colors.TEXT)
    assert number.said(shown, []) == ("no traffic", colors.TEXT)
    assert number.said(panel(), []) == ("No data", colors.TEXT)


def test_what_is_no_number_is_said_in_the_words_of_the_mapping() -> None:
    special = {"type": "special", "options": {"result": {"text": "n < 20"}}}
    shown = panel(mappings=[special], noValue="no traffic")
    assert number.said(shown, [answer(({}, [NAN]))])[0] == "n < 20"


def test_a_number_has_the_name_of_its_series_where_that_is_wanted() -> None:
    given = [answer(({"name": "llama"}, [1]))]
    assert number.named(Panel({"options": {"textMode": "value_and_name"}}), given) == "llama"
    assert number.named(Panel({"options": {"textMode": "value_and_name"}}), [answer()]) == ""
    assert number.named(Panel({"options": {"textMode": "value"}}), given) == ""


def test_cells_without_a_number_and_cells_of_a_vocabulary() -> None:
    special = {"type": "special", "options": {"result": {"text": "n < 20"}}}
    assert table.cell_text(NAN, "p95", field_of({"defaults": {"mappings": [special], "noValue": "-"}})) == "n < 20"
    severity = {"type": "value", "options": {"page": {"color": "red"}, "info": {"text": "to know", "color": "blue"}}}
    field = field_of({"defaults": {"mappings": [severity]}})
    assert [table.cell_text(word, "Severity", field) for word in ("page", "info", "else")] == [
        "page",
        "to know",
        "else",
    ]
    assert field.words["page"] == ("page", "red")


def test_bars_are_of_the_last_number() -> None:
    given = answer(({"name": "a"}, [1, 2, NAN]), ({"name": "b"}, [NAN, NAN, NAN]))
    assert bars.latest([given]) == [("a", 2)]


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("gpt", "Model", "gpt"),
        (1.5, "Mean", "1.5 s"),
        (None, "Mean", "-"),
        (NAN, "Mean", "-"),
        (60_000.0, "Time", "00:01:00"),
    ],
)
def test_cells(value: str | float | None, name: str, text: str) -> None:
    assert table.cell_text(value, name, field_of({"defaults": {"unit": "s", "noValue": "-"}})) == text


def test_words_of_a_paragraph() -> None:
    found = list(words.words("**Left to right.** See *Slow queries* (menu\n*Dashboards*)."))
    assert [word for word, is_bold in found if is_bold] == ["Left", "to", "right."]
    assert [word for word, is_bold in found if not is_bold] == ["See", "“Slow", "queries”", "(menu", "“Dashboards”)."]
