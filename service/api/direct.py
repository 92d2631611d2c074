"""Routes that FastAPI describes and does not call, and the pieces of their description.

FastAPI's own call chain (dependencies, body, response model) costs as much again as a cached answer. A direct route's
handler gets the request and gives a response; what it reads and refuses is stated in the decorator.
"""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import request_response


class DirectRoute(APIRoute):
    """The endpoint must take the request alone and return a response. `dependencies` are described, not called."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(endpoint)


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads `model` itself; `description.py` holds the schema."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of statuses that carry a problem document; `description.py` writes them out."""
    return {status: {"description": "Problem"} for status in statuses}
