"""`/documents`: add, list, read, delete. What is added can be found as soon as the reply arrives."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from service.api.access import admitted, body_parts, needs, refuse_when_stopping, services_of
from service.api.answers import CorpusShape, DeletedShape, DocumentShape, IngestedShape
from service.api.body import allow_body
from service.api.direct import DirectRoute, refusals
from service.api.multipart import ENVELOPE_BYTES, FIELD, Upload, read_upload
from service.api.wire import json_response
from service.auth.principal import Scope
from service.corpus.port import Document, Ingested, IngestResult
from service.errors import ErrorKind, NotFound, ServiceError, UnsupportedDocument

router = APIRouter(tags=["documents"])
upload_router = APIRouter(route_class=DirectRoute, tags=["documents"])

_READ = [Depends(needs(Scope.ASK, Scope.MONITOR, Scope.INGEST))]
_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_FORM = {"type": "object", "required": [FIELD], "properties": {FIELD: _FILE}}


@upload_router.post(
    "/documents",
    summary="Add or replace a document",
    dependencies=[Depends(needs(Scope.INGEST))],
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
    responses={
        200: {"model": IngestedShape, "description": "The same content was there already"},
        201: {"model": IngestedShape, "description": "Added or replaced; it can be found now"},
        **refusals(400, 401, 403, 413, 422, 499, 500, 502, 503, 504, 507),
    },
)
async def add(request: Request) -> Response:
    """Text, Markdown, HTML, PDF, CSV or JSON. The same name with other content replaces."""
    services = services_of(request)
    await admitted(request, Scope.INGEST)
    refuse_when_stopping(services)
    # Waiting costs nothing here: the body of those who wait stays with their clients.
    async with request.app.state.uploads:
        upload = await _receive(request, services.limits.max_file_bytes)
        ingested = await services.corpus.add(upload.name, upload.content)
    return json_response(_ingested_object(ingested), 200 if ingested.result is IngestResult.UNCHANGED else 201)


@router.get(
    "/documents",
    summary="All documents",
    dependencies=_READ,
    responses={200: {"model": CorpusShape}, **refusals(401, 403)},
)
async def listing(request: Request) -> Response:
    """By name, with the corpus version that cached answers depend on."""
    corpus = services_of(request).corpus
    state = corpus.state()
    return json_response(
        {
            "documents": [document_object(document) for document in corpus.documents()],
            "version": state.version,
            "chunks": state.chunks,
            "pending_vectors": state.pending_vectors,
            "embedder": state.embedder,
        }
    )


@router.get(
    "/documents/{document_id}",
    summary="One document",
    dependencies=_READ,
    responses={200: {"model": DocumentShape}, **refusals(401, 403, 404)},
)
async def one(request: Request, document_id: str) -> Response:
    """What is known of it, without its text."""
    for document in services_of(request).corpus.documents():
        if document.id == document_id:
            return json_response(document_object(document))
    raise NotFound("there is no document with this id; GET /documents lists them")


@router.get(
    "/documents/{document_id}/text",
    summary="A document's text",
    dependencies=_READ,
    responses={200: {"content": {"text/plain": {}}}, **refusals(401, 403, 404, 500, 503, 504)},
)
async def text(request: Request, document_id: str) -> Response:
    """As extracted: `start` and `end` of citations are characters in it."""
    content = await services_of(request).corpus.document_text(document_id)
    return Response(content.encode("utf-8", "replace"), media_type="text/plain; charset=utf-8")


@router.delete(
    "/documents/{document_id}",
    summary="Delete a document",
    dependencies=[Depends(needs(Scope.INGEST))],
    responses={200: {"model": DeletedShape}, **refusals(401, 403, 404, 500, 503, 504, 507)},
)
async def delete(request: Request, document_id: str) -> Response:
    """No answer cites it any more, cached ones included."""
    document = await services_of(request).corpus.delete(document_id)
    return json_response({"id": document.id, "source": document.source, "deleted": True})


def document_object(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "source": document.source,
        "media_type": document.media_type,
        "size_bytes": document.size_bytes,
        "chars": document.chars,
        "chunks": document.chunks,
        "added_at": document.added_at,
        "embedded": document.embedded,
    }


async def _receive(request: Request, max_file_bytes: int) -> Upload:
    allow_body(request.scope, max_file_bytes + ENVELOPE_BYTES)
    return await read_upload(request.headers.get("content-type", ""), body_parts(request), max_file_bytes)


def _ingested_object(ingested: Ingested) -> dict[str, Any]:
    if ingested.document is None:
        if ingested.result is IngestResult.REJECTED:
            raise UnsupportedDocument(ingested.detail)
        raise ServiceError(ErrorKind.SERVER_ERROR, ingested.detail or "the document could not be added; try again")
    return document_object(ingested.document) | {
        "result": ingested.result,
        "duration_s": round(ingested.duration_s, 6),
    }
