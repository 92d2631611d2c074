"""The OpenAPI document: FastAPI's, completed with what direct routes read and what every refusal looks like."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api.answers import Problem
from service.api.bodies import AskBody, ChatBody, HoldBody, ReleaseBody, RestoredBody, SearchBody
from service.api.errors import PROBLEM_MEDIA_TYPE

_READ_BY_ROUTES: tuple[type[BaseModel], ...] = (AskBody, ChatBody, HoldBody, ReleaseBody, RestoredBody, SearchBody)
_EVERYWHERE = ("400", "500")


def describe(app: FastAPI) -> dict[str, Any]:
    """All routes that are in the description, with their problems."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/", "description": "Here"}, {"url": "/api", "description": "The same routes again"}],
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= _schemas()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
    return document


def _schemas() -> dict[str, Any]:
    template = "#/components/schemas/{model}"
    _, definitions = models_json_schema([(model, "validation") for model in _READ_BY_ROUTES], ref_template=template)
    _, problem = models_json_schema([(Problem, "serialization")], ref_template=template)
    return {**definitions["$defs"], **problem["$defs"]}


def _complete(operation: dict[str, Any]) -> None:
    """Every status from 400 on is a problem, unless the route says what else it is."""
    responses = operation["responses"]
    for status in _EVERYWHERE:
        responses.setdefault(status, {"description": "Problem"})
    for status, response in responses.items():
        ours = "ReadyShape" in str(response)
        if status.isdigit() and int(status) >= 400 and not ours:
            response["content"] = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
