"""`/checkpoint`: what whoever copies the corpus needs of the running service: writers kept out for a while,
searches without a model to compare with later ones, and an ear for what became of the copy."""

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import admitted, needs, refuse_when_stopping, services_of, whole_body
from service.api.answers import HeldShape, ReleasedShape, RestoredShape, SearchedShape
from service.api.bodies import HoldBody, ReleaseBody, RestoredBody, SearchBody
from service.api.direct import DirectRoute, json_body, refusals
from service.api.validation import parse_body
from service.api.wire import json_response
from service.auth.principal import Scope
from service.corpus.port import Restore

router = APIRouter(prefix="/checkpoint", route_class=DirectRoute, tags=["checkpoint"])

_ADMIN = [Depends(needs(Scope.ADMIN))]


@router.post(
    "/hold",
    summary="Keep writers out while the corpus is copied",
    dependencies=_ADMIN,
    openapi_extra=json_body(HoldBody),
    responses={200: {"model": HeldShape}, **refusals(401, 403, 413, 422, 499, 503)},
)
async def hold(request: Request) -> Response:
    """Answers once running writes are done. Questions are answered meanwhile; uploads and deletions wait, or get a 503
    that says when to come again. Ends by itself when its time is over."""
    services = services_of(request)
    await admitted(request, Scope.ADMIN)
    refuse_when_stopping(services)
    body = parse_body(await whole_body(request), HoldBody)
    held = await services.write_gate.hold(body.wait_s, body.for_s)
    state = services.corpus.state()
    return json_response(
        {
            "token": held.token,
            "store": held.store,
            "for_s": held.for_s,
            "drained_s": round(held.drained_s, 6),
            "version": state.version,
            "documents": state.documents,
            "chunks": state.chunks,
        }
    )


@router.post(
    "/release",
    summary="Let writers go on",
    dependencies=_ADMIN,
    openapi_extra=json_body(ReleaseBody),
    responses={200: {"model": ReleasedShape}, **refusals(401, 403, 404, 413, 422, 499)},
)
async def release(request: Request) -> Response:
    """404 when the hold was over already: what was copied meanwhile is not to be trusted."""
    await admitted(request, Scope.ADMIN)
    body = parse_body(await whole_body(request), ReleaseBody)
    pause = services_of(request).write_gate.release(body.token)
    return json_response({"held_s": round(pause.held_s, 6)})


@router.post(
    "/restored",
    summary="Note that the corpus was exchanged for that of a checkpoint",
    dependencies=_ADMIN,
    openapi_extra=json_body(RestoredBody),
    responses={200: {"model": RestoredShape}, **refusals(401, 403, 413, 422, 499)},
)
async def restored(request: Request) -> Response:
    """For the log and the traces: the service did not run while it was done."""
    await admitted(request, Scope.ADMIN)
    body = parse_body(await whole_body(request), RestoredBody)
    services_of(request).write_gate.note(Restore(body.checkpoint, body.took_s, body.went_back))
    return json_response({"noted": body.checkpoint})


@router.post(
    "/search",
    summary="What is found for these questions",
    dependencies=_ADMIN,
    openapi_extra=json_body(SearchBody),
    responses={200: {"model": SearchedShape}, **refusals(401, 403, 413, 422, 499, 503, 504)},
)
async def search(request: Request) -> Response:
    """The ids of the chunks found, best first: no model and no cache has a part in it."""
    services = services_of(request)
    await admitted(request, Scope.ADMIN)
    refuse_when_stopping(services)
    body = parse_body(await whole_body(request), SearchBody)
    found = []
    for question in body.questions:
        retrieved = await services.retriever.retrieve(question.text, question.vector, body.top_k)
        found.append([passage.chunk_id for passage in retrieved.passages])
    return json_response({"found": found})
