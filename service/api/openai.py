"""The OpenAI-compatible routes: `POST /v1/chat/completions`, `GET /v1/models`.

Each request stands alone: the last user message is the question, and earlier turns and system messages are not read,
because an answer here rests on the documents and must be the same for the same question. The reply says how many
messages that left out (`rag.ignored_messages`), instead of pretending to remember.
"""

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import admitted, needs, refuse_when_stopping, services_of, whole_body
from service.api.answers import ChatShape, OpenAIModelShape, OpenAIModelsShape
from service.api.bodies import AskBody, ChatBody
from service.api.chat_frames import ChatFrames, Conversation, completion_object
from service.api.direct import DirectRoute, json_body, refusals
from service.api.question import question_of
from service.api.relay import result_of
from service.api.sse import EVENT_STREAM, AnswerStream
from service.api.validation import Fault, Invalid, parse_body
from service.api.watch import Watch
from service.api.wire import answer_headers, json_response
from service.auth.principal import Scope
from service.errors import UnknownModel
from service.routing.port import AUTO
from service.services import Services

router = APIRouter(tags=["openai"])
chat_router = APIRouter(route_class=DirectRoute, tags=["openai"])

_REFUSALS = refusals(400, 401, 403, 404, 413, 422, 429, 499, 500, 502, 503, 504)


@chat_router.post(
    "/v1/chat/completions",
    summary="Answer the last user message from the documents",
    dependencies=[Depends(needs(Scope.ASK))],
    openapi_extra=json_body(ChatBody),
    responses={200: {"model": ChatShape, "content": {EVENT_STREAM: {}}}, **_REFUSALS},
)
async def complete(request: Request) -> Response:
    """As in OpenAI's API, streaming too; `rag` in the reply (or in the last chunk) holds citations and the rest."""
    services = services_of(request)
    principal = await admitted(request, Scope.ASK)
    refuse_when_stopping(services)
    chat = parse_body(await whole_body(request), ChatBody)
    question = question_of(_as_ask(chat), request, principal, services)
    conversation = Conversation(question, ignored_messages=len(chat.messages) - 1)

    if chat.stream:
        usage = chat.stream_options is not None and bool(chat.stream_options.include_usage)
        frames = ChatFrames(conversation, with_usage=usage)
        return AnswerStream(lambda: services.asker.ask(question), frames, services.draining)

    async with Watch(request.receive, services.draining):
        result = await result_of(services.asker.ask(question))
    return json_response(completion_object(conversation, result), headers=answer_headers(result))


@router.get(
    "/v1/models",
    summary="Models that may be named",
    dependencies=[Depends(needs(Scope.ASK, Scope.MONITOR))],
    responses={200: {"model": OpenAIModelsShape}, **refusals(401, 403)},
)
async def models(request: Request) -> Response:
    """`auto` is the router."""
    services = services_of(request)
    data = [_model(name, services) for name in (AUTO, *services.chat_models)]
    return json_response({"object": "list", "data": data})


@router.get(
    "/v1/models/{name:path}",
    summary="One model",
    dependencies=[Depends(needs(Scope.ASK, Scope.MONITOR))],
    responses={200: {"model": OpenAIModelShape}, **refusals(401, 403, 404)},
)
async def model(request: Request, name: str) -> Response:
    """As in the list."""
    services = services_of(request)
    if name not in (AUTO, *services.chat_models):
        raise UnknownModel("no such model; /v1/models lists those that may be named")
    return json_response(_model(name, services))


def _as_ask(chat: ChatBody) -> AskBody:
    text = chat.question()
    if text is None:
        raise Invalid([Fault("messages", "hold no user message with text")])
    return AskBody(
        query=text,
        model=chat.model,
        temperature=chat.temperature,
        max_tokens=chat.max_completion_tokens or chat.max_tokens,
    )


def _model(name: str, services: Services) -> dict[str, object]:
    # When a model was made is known to nobody here; clients only want the field.
    owner = services.about.service if name == AUTO else "ollama"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
