"""`POST /ask`: a question in, an answer with citations out, as one JSON object or as events while it is made."""

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import admitted, needs, refuse_when_stopping, services_of, whole_body
from service.api.answers import AnswerShape
from service.api.bodies import AskBody
from service.api.direct import DirectRoute, json_body, refusals
from service.api.frames import AskFrames
from service.api.question import question_of
from service.api.relay import result_of
from service.api.sse import EVENT_STREAM, AnswerStream
from service.api.validation import parse_body
from service.api.watch import Watch
from service.api.wire import answer_headers, answer_object, json_response
from service.auth.principal import Scope

router = APIRouter(route_class=DirectRoute, tags=["ask"])

ASK_REFUSALS = refusals(400, 401, 403, 404, 413, 422, 429, 499, 500, 502, 503, 504)


@router.post(
    "/ask",
    summary="Answer a question from the documents",
    dependencies=[Depends(needs(Scope.ASK))],
    openapi_extra=json_body(AskBody),
    responses={200: {"model": AnswerShape, "content": {EVENT_STREAM: {}}}, **ASK_REFUSALS},
)
async def ask(request: Request) -> Response:
    """With `stream: true` or `Accept: text/event-stream` the answer comes as events: `meta` (the route), `token`
    (pieces of text), `citations`, `done` (the whole answer object), or `error` (a problem document)."""
    services = services_of(request)
    principal = await admitted(request, Scope.ASK)
    refuse_when_stopping(services)
    body = parse_body(await whole_body(request), AskBody)
    question = question_of(body, request, principal, services)

    if _wants_stream(body, request):
        frames = AskFrames(question.trace.trace_id)
        return AnswerStream(lambda: services.asker.ask(question), frames, services.draining)

    async with Watch(request.receive, services.draining):
        result = await result_of(services.asker.ask(question))
    return json_response(answer_object(result), headers=answer_headers(result))


def _wants_stream(body: AskBody, request: Request) -> bool:
    """What the body says counts more than the header."""
    return EVENT_STREAM in request.headers.get("accept", "") if body.stream is None else body.stream
