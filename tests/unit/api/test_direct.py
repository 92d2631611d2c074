"""Routes that FastAPI describes and does not call."""

from fastapi import APIRouter, Depends, Request, Response

from service.api.bodies import AskBody
from service.api.direct import DirectRoute, json_body, refusals


async def test_the_handler_is_called_and_the_dependencies_are_not() -> None:
    called = []

    async def dependency() -> None:
        called.append("dependency")

    router = APIRouter(route_class=DirectRoute)

    @router.get("/x", dependencies=[Depends(dependency)])
    async def handler(request: Request) -> Response:
        called.append(request.url.path)
        return Response(b"y")

    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": [], "server": ("h", 1)}
    await router.routes[0].handle(scope, None, send)  # type: ignore[arg-type]
    assert called == ["/x"]
    assert sent[1]["body"] == b"y"  # type: ignore[index]


def test_pieces_of_the_description() -> None:
    schema = json_body(AskBody)["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/AskBody"}
    assert set(refusals(400, 503)) == {400, 503}
