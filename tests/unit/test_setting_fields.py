"""The fields of the settings in words."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AliasChoices, BaseModel, Field

from service.setting_fields import allowed, group_of, variables


class Inner(BaseModel):
    count: int = Field(3, ge=1, le=9)
    ratio: float = Field(0.5, gt=0, lt=1)


class Outer(BaseModel):
    inner: Inner = Inner()
    mode: Literal["a", "b"] = "a"
    many: tuple[str, ...] = ()
    flag: bool = False
    folder: Path = Path("data")
    text: str = ""
    maybe: str | None = None
    other: Annotated[str, Field(validation_alias=AliasChoices("OTHER_NAME", "other"))] = "x"


def test_every_variable_with_its_group_before_it() -> None:
    assert [name for name, _ in variables(Outer)] == [
        "RAG_INNER", "RAG_INNER__COUNT", "RAG_INNER__RATIO", "RAG_MODE", "RAG_MANY", "RAG_FLAG", "RAG_FOLDER",
        "RAG_TEXT", "RAG_MAYBE", "OTHER_NAME",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RAG_INNER", ""),
        ("RAG_INNER__COUNT", "a whole number >= 1 and <= 9; default 3"),
        ("RAG_INNER__RATIO", "a number > 0 and < 1; default 0.5"),
        ("RAG_MODE", "a, b; default a"),
        ("RAG_MANY", 'a JSON list such as ["a", "b"]'),
        ("RAG_FLAG", "true or false; default False"),
        ("RAG_FOLDER", "a path; default data"),
        ("RAG_TEXT", "text"),
        ("RAG_MAYBE", "text"),
        ("OTHER_NAME", "text; default x"),
    ],
)
def test_what_may_be_set(name: str, words: str) -> None:
    assert allowed(dict(variables(Outer))[name]) == words


def test_of_a_field_that_is_not_there_nothing_is_said() -> None:
    assert allowed(None) == ""


def test_a_group_is_told_from_a_setting() -> None:
    fields = dict(variables(Outer))
    assert group_of(fields["RAG_INNER"]) is Inner
    assert group_of(fields["RAG_MODE"]) is None
