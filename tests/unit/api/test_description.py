"""The OpenAPI document."""

import json
import re
from typing import Any

from service.app import create_app
from tests.fakes.services import FakeServices
from tests.unit.api.client import client_of

DOCUMENT: dict[str, Any] = create_app(FakeServices().build()).openapi()
OPERATIONS = {
    (method, path): operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}


async def test_it_is_served() -> None:
    async with client_of(FakeServices()) as client:
        assert (await client.get("/api/openapi.json")).json() == json.loads(json.dumps(DOCUMENT))


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert references
    assert references <= set(DOCUMENT["components"]["schemas"])
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_every_refusal_is_a_problem() -> None:
    for where, operation in OPERATIONS.items():
        for status, response in operation["responses"].items():
            if status.isdigit() and int(status) >= 400 and where != ("get", "/readyz"):
                assert list(response["content"]) == ["application/problem+json"], (where, status)


def test_every_closed_route_names_its_key() -> None:
    open_routes = {where for where, operation in OPERATIONS.items() if "security" not in operation}
    assert open_routes == {("get", "/healthz"), ("get", "/readyz")}


def test_bodies_and_streams_are_described() -> None:
    ask = OPERATIONS["post", "/ask"]
    body = ask["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    assert {"query", "model", "stream", "cache"} <= set(DOCUMENT["components"]["schemas"][body]["properties"])
    assert set(ask["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert "multipart/form-data" in OPERATIONS["post", "/documents"]["requestBody"]["content"]
    assert {"200", "201", "413", "422", "507"} <= set(OPERATIONS["post", "/documents"]["responses"])
