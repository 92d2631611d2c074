"""Reading what clients send: JSON without surprises, and faults that name a field and never repeat its value."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from service.errors import ErrorKind, InvalidQuestion, ServiceError

_Body = TypeVar("_Body", bound=BaseModel)
_MAX_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field."""

    field: str
    problem: str


class Invalid(InvalidQuestion):
    """The request was understood, but these fields are not allowed as they are."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults[:_MAX_FAULTS])
        first = self.faults[0] if self.faults else Fault("request", "is not valid")
        others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{first.field}: {first.problem}{others}")


def parse_json(body: bytes) -> Any:
    """The value. NaN and Infinity are no JSON; nesting is bounded. Raises `ServiceError` (BAD_REQUEST)."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ServiceError(ErrorKind.BAD_REQUEST, f"the body is not valid JSON: {_without_input(error)}") from None


def parse_body(body: bytes, model: type[_Body]) -> _Body:
    """The body as `model`. Raises `ServiceError` (BAD_REQUEST) when it is no JSON object, `Invalid` when it is."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise ServiceError(ErrorKind.BAD_REQUEST, "the body must be a JSON object, such as " + _EXAMPLE)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = faults_of(error.errors(include_input=False, include_url=False), tuple(model.model_fields))
        raise Invalid(faults) from None


def faults_of(errors: Sequence[Mapping[str, Any]], allowed: tuple[str, ...] = ()) -> list[Fault]:
    """Pydantic's errors, told without what was sent."""
    return [_fault(error, allowed) for error in errors]


_EXAMPLE = '{"query": "What is momentum trading?"}'


def _fault(error: Mapping[str, Any], allowed: tuple[str, ...]) -> Fault:
    place = error["loc"]
    if error["type"] == "extra_forbidden":
        allowed = allowed if len(place) == 1 else ()
        near = difflib.get_close_matches(str(place[-1]), allowed, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return Fault(".".join(str(part) for part in place[:-1]) or "request", _unknown(allowed) + hint)
    message = str(error["msg"])
    return Fault(".".join(str(part) for part in place) or "request", message[:1].lower() + message[1:])


def _unknown(allowed: tuple[str, ...]) -> str:
    return "an unknown field" + (f" is not accepted; allowed: {', '.join(allowed)}" if allowed else " is not accepted")


def _without_input(error: ValueError) -> str:
    """Only the parser's own words: position and what it expected."""
    return str(error).splitlines()[0][:120]
