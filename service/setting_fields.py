"""The fields of the settings as a user sees them: which variable each is, and what may be set, in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def variables(model: type[BaseModel], prefix: str = "RAG_") -> Iterator[tuple[str, FieldInfo]]:
    """Every variable that is read, in capitals (names are read in any case), with its field."""
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        variable = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"{prefix}{name}".upper()
        yield variable, field
        if (group := group_of(field)) is not None:
            yield from variables(group, f"{variable}__")


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """The group that a field is, None when it is a single setting."""
    kind: Any = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def allowed(field: FieldInfo | None) -> str:
    """What may be set, in words: choices or type and bounds, and the default."""
    if field is None or group_of(field):
        return ""
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        words = ", ".join(map(str, get_args(kind)))
    elif get_origin(kind) is tuple:
        words = 'a JSON list such as ["a", "b"]'
    else:
        words = _KINDS.get(kind, "text")
    bounds = " and ".join(f"{sign} {bound:g}" for sign, bound in _bounds(field))
    default = "" if field.default in (None, "", ()) else f"; default {field.default}"
    return f"{words} {bounds}".strip() + default


def _bounds(field: FieldInfo) -> Iterator[tuple[str, float]]:
    for constraint in field.metadata:
        for name, sign in _SIGNS.items():
            if (bound := getattr(constraint, name, None)) is not None:
                yield sign, bound
