"""Variables in queries and titles, as Grafana puts them in."""

from typing import Any

import pytest

from dashboards.picture.board import Board
from dashboards.picture.variables import ALL, Variables, resolved

MACROS = {"__range": "900s"}


def variables(**chosen: list[str]) -> Variables:
    return Variables(chosen, frozenset({"model"}), {"model": ".*"})


def test_one_value_is_put_in_as_it_is() -> None:
    assert variables(environment=["production"]).query('up{e="$environment"}', {}) == 'up{e="production"}'
    assert variables(environment=["production"]).query('up{e="${environment:raw}"}', {}) == 'up{e="production"}'


def test_quotes_are_escaped() -> None:
    assert variables(a=['x"y\\z']).query('up{e="$a"}', {}) == 'up{e="x\\"y\\\\z"}'


def test_all_is_the_pattern_that_the_dashboard_gives() -> None:
    assert variables(model=[ALL]).query('up{m=~"$model"}', {}) == 'up{m=~".*"}'


def test_several_values_are_a_pattern_with_what_is_special_escaped() -> None:
    assert variables(model=["a.b", "c:1"]).query('up{m=~"$model"}', {}) == 'up{m=~"(a\\\\.b|c:1)"}'
    assert variables(model=["a.b"]).query('up{m=~"$model"}', {}) == 'up{m=~"a\\\\.b"}'


def test_macros_and_unknown_names() -> None:
    assert variables().query("rate(x[$__range])", MACROS) == "rate(x[900s])"
    with pytest.raises(KeyError):
        variables().query("$missing", MACROS)


def test_titles_show_what_people_chose() -> None:
    some = variables(model=[ALL], cache=["miss"])
    assert some.title("Answers of $model, $cache, ${other}") == "Answers of All, miss, ${other}"
    assert variables(model=["a", "b"]).words("model") == "a + b"


def variable(name: str, kind: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "current": {"value": value}} | more


def of_label(series: str, label: str) -> dict[str, str]:
    return {"query": f"label_values({series}, {label})"}


BOARD = Board(
    "overview",
    {
        "templating": {
            "list": [
                variable("environment", "query", "production", query=of_label("asks", "env")),
                variable("one", "query", "llama", query=of_label('asks{e="$environment"}', "model")),
                variable(
                    "model", "query", ["$__all"], multi=True, includeAll=True, allValue=".+", query=of_label("a", "b")
                ),
                variable("cache", "custom", "miss"),
            ]
        }
    },
)


def test_a_dashboard_opens_as_saved_where_that_is_there() -> None:
    asked = []

    def values(series: str, label: str) -> list[str]:
        asked.append((series, label))
        return {"env": ["development"], "model": ["llama", "gpt"]}[label]

    found = resolved(BOARD, {}, values)
    # Saved is production, which is not there: then the first that is. The next variable is asked with it.
    assert found.chosen == {"environment": ["development"], "one": ["llama"], "model": ["$__all"], "cache": ["miss"]}
    assert asked == [("asks", "env"), ('asks{e="development"}', "model")]
    assert found.query("$model", {}) == ".+"


def test_what_people_see_of_a_value_is_its_text() -> None:
    saved = variable("stage", "custom", "chat .*", current={"value": "chat .*", "text": "generating"})
    board = Board("a", {"templating": {"list": [saved]}})
    assert resolved(board, {}, lambda *_: []).title("Spans of ${stage:text}") == "Spans of generating"
    assert resolved(board, {}, lambda *_: []).query("$stage", {}) == "chat .*"
    assert resolved(board, {"stage": "prompt"}, lambda *_: []).title("$stage") == "prompt"


def test_without_any_value_what_was_saved_stays() -> None:
    assert resolved(BOARD, {}, lambda *_: []).words("environment") == "production"


def test_what_is_wanted_comes_first() -> None:
    found = resolved(BOARD, {"model": "a,b", "cache": "hit"}, lambda *_: [])
    assert found.words("model") == "a + b"
    assert found.words("cache") == "hit"


def test_another_kind_of_query_is_an_error() -> None:
    board = Board("a", {"templating": {"list": [variable("x", "query", "y", query={"query": "metrics(a)"})]}})
    with pytest.raises(ValueError, match="label_values"):
        resolved(board, {}, lambda *_: [])
