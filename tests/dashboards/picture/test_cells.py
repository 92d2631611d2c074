"""Tables as transformations arrange them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dashboards.picture.answers import Answer
from dashboards.picture.board import Panel, Target
from dashboards.picture.cells import arranged
from dashboards.picture.prometheus import Series

JOIN = {"id": "joinByField", "options": {"byField": "model", "mode": "outer"}}


def answer(ref: str, *rows: tuple[dict[str, str], float]) -> Answer:
    target = Target(ref, "prometheus", "datasource", "", "", is_range=False, with_exemplars=False)
    series = [Series(labels, np.array([value])) for labels, value in rows]
    return Answer(target, np.array([60.0]), series, ["" for _ in series], [])


def panel(*transformations: dict[str, Any], sort: Sequence[dict[str, Any]] = ()) -> Panel:
    return Panel({"transformations": list(transformations), "options": {"sortBy": list(sort)}})


def organize(names: dict[str, str], *hidden: str) -> dict[str, Any]:
    order = {name: at for at, name in enumerate(names)}
    return {
        "id": "organize",
        "options": {"excludeByName": dict.fromkeys(hidden, True), "indexByName": order, "renameByName": names},
    }


COUNTS = answer("n", ({"model": "a"}, 5), ({"model": "b"}, 7))
MEANS = answer("mean", ({"model": "b"}, 0.5))


def test_one_query_has_a_column_of_values() -> None:
    table = arranged(panel(), [COUNTS])
    assert table.columns == ["Time", "model", "Value"]
    assert [(row["model"], row["Value"]) for row in table.rows] == [("a", 5), ("b", 7)]


def test_several_queries_are_joined_into_a_row_each() -> None:
    table = arranged(
        panel(JOIN, organize({"model": "Model", "Value #mean": "Mean", "Value #n": "Answers"}, "Time")), [COUNTS, MEANS]
    )
    assert table.columns == ["Model", "Mean", "Answers"]
    assert table.rows == [
        {"Model": "a", "Mean": None, "Answers": 5},
        {"Model": "b", "Mean": 0.5, "Answers": 7},
    ]


def test_a_query_without_an_answer_has_no_column() -> None:
    table = arranged(panel(JOIN, organize({"model": "Model"}, "Time")), [COUNTS, answer("cold")])
    assert table.columns == ["Model", "Value #n"]


def test_nothing_at_all_has_no_row() -> None:
    assert arranged(panel(JOIN), [answer("n"), answer("mean")]).rows == []
    assert arranged(panel(), [answer("n")]).rows == []


def test_rows_are_in_the_order_that_is_asked_for_and_empty_ones_last() -> None:
    names = organize({"model": "Model", "Value #mean": "Mean", "Value #n": "Answers"}, "Time")
    by_mean = panel(JOIN, names, sort=[{"displayName": "Mean", "desc": True}])
    assert [row["Model"] for row in arranged(by_mean, [COUNTS, MEANS]).rows] == ["b", "a"]
    by_name = panel(JOIN, names, sort=[{"displayName": "Model", "desc": True}])
    assert [row["Model"] for row in arranged(by_name, [COUNTS, MEANS]).rows] == ["b", "a"]


def test_another_transformation_is_an_error() -> None:
    with pytest.raises(ValueError, match="groupBy"):
        arranged(panel({"id": "groupBy", "options": {}}), [COUNTS])
