"""Faults name fields and never repeat values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from service.api.validation import Fault, Invalid, parse_body, parse_json
from service.errors import ErrorKind, ServiceError


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    count: int = 0


def test_a_good_body() -> None:
    assert parse_body(b'{"name": "x", "count": 2}', Body) == Body(name="x", count=2)


def test_one_fault_is_the_detail_and_more_are_counted() -> None:
    assert str(Invalid([Fault("a", "is wrong")])) == "a: is wrong"
    assert str(Invalid([Fault("a", "is wrong"), Fault("b", "too")])) == "a: is wrong (and 1 more)"
    assert str(Invalid([])) == "request: is not valid"
    assert len(Invalid([Fault("a", "x")] * 1000).faults) == 20


@given(st.dictionaries(st.text(), st.one_of(st.text(min_size=12), st.integers(), st.none()), min_size=1))
def test_no_value_comes_back(fields: dict[str, object]) -> None:
    import json

    try:
        parse_body(json.dumps(fields).encode(), Body)
    except ServiceError as error:
        assert all(value not in error.detail for value in fields.values() if isinstance(value, str))


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_bad_request(body: bytes) -> None:
    try:
        parse_json(body)
    except ServiceError as error:
        assert error.kind is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize(("name", "hint"), [("nmae", "did you mean `name`?"), ("zzz", "allowed: name, count")])
def test_an_unknown_field_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_body(b'{"name": "x", "%s": 1}' % name.encode(), Body)
    assert hint in caught.value.detail
