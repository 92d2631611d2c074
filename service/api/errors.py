"""Failures as HTTP: the one table from error kind to status, and problem documents (RFC 9457).

Every refusal and failure leaves the service through here. A problem says what happened and what to do; it never holds
the question, a document, a key or a trace back.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from service.api.json_text import to_json
from service.api.validation import Invalid, faults_of
from service.errors import DependencyError, ErrorKind, ServiceError
from service.services import Services

_log = logging.getLogger(__name__)

PROBLEM_MEDIA_TYPE = "application/problem+json"

# 499 is the de facto status of "the client left"; nobody but the logs and metrics will see it.
STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.BAD_REQUEST: 400,
    ErrorKind.INVALID_QUESTION: 422,
    ErrorKind.UNSUPPORTED_DOCUMENT: 422,
    ErrorKind.UNAUTHORIZED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.METHOD_NOT_ALLOWED: 405,
    ErrorKind.MODEL_NOT_FOUND: 404,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.OVERLOADED: 429,
    ErrorKind.CANCELLED: 499,
    ErrorKind.TIMEOUT: 504,
    ErrorKind.CONNECTION_ERROR: 503,
    ErrorKind.BAD_GATEWAY: 502,
    ErrorKind.SERVER_ERROR: 500,
    ErrorKind.STREAM_ERROR: 502,
    ErrorKind.STORAGE_FULL: 507,
    ErrorKind.SHUTTING_DOWN: 503,
    ErrorKind.OTHER: 500,
}
TITLES: Mapping[ErrorKind, str] = {
    ErrorKind.BAD_REQUEST: "The request cannot be read",
    ErrorKind.INVALID_QUESTION: "The request has fields that are not allowed as they are",
    ErrorKind.UNSUPPORTED_DOCUMENT: "The document cannot be read",
    ErrorKind.UNAUTHORIZED: "An API key is needed",
    ErrorKind.FORBIDDEN: "Not allowed",
    ErrorKind.NOT_FOUND: "Not found",
    ErrorKind.METHOD_NOT_ALLOWED: "Method not allowed",
    ErrorKind.MODEL_NOT_FOUND: "No such model",
    ErrorKind.TOO_LARGE: "Too large",
    ErrorKind.RATE_LIMITED: "Too many requests",
    ErrorKind.OVERLOADED: "Too busy",
    ErrorKind.CANCELLED: "The client left",
    ErrorKind.TIMEOUT: "Not in time",
    ErrorKind.CONNECTION_ERROR: "Something the service needs is away",
    ErrorKind.BAD_GATEWAY: "Something the service needs answered wrongly",
    ErrorKind.SERVER_ERROR: "The service failed",
    ErrorKind.STREAM_ERROR: "The answer broke off",
    ErrorKind.STORAGE_FULL: "No space left",
    ErrorKind.SHUTTING_DOWN: "The service is stopping",
    ErrorKind.OTHER: "The service failed",
}
_UNEXPECTED = "something unexpected happened; the trace id leads to the details in the service's log"


def status_of(error: ServiceError) -> int:
    """By kind; what another server refused, or failed at, is a bad gateway and not the client's or our own fault."""
    status = STATUS[error.kind]
    return 502 if isinstance(error, DependencyError) and status in {400, 500} else status


def problem_of(error: ServiceError, trace_id: str) -> dict[str, Any]:
    """The members of the problem document. `stage` and `errors` are there only when they say something."""
    problem: dict[str, Any] = {
        "type": f"urn:emini-rag:problem:{error.kind}",
        "title": TITLES[error.kind],
        "status": status_of(error),
        "kind": error.kind.value,
        "detail": error.detail,
        "trace_id": trace_id,
    }
    if error.stage is not None:
        problem["stage"] = str(error.stage)
    if isinstance(error, Invalid) and error.faults:
        problem["errors"] = [{"field": fault.field, "problem": fault.problem} for fault in error.faults]
    return problem


def openai_problem_of(error: ServiceError, trace_id: str) -> dict[str, Any]:
    """The same, with the `error` object that clients of the OpenAI API read."""
    told = {"message": error.detail, "type": error.kind.value, "code": error.kind.value, "param": None}
    return problem_of(error, trace_id) | {"error": told}


def problem_response(error: ServiceError, trace_id: str, path: str = "") -> Response:
    """The whole reply. `path` decides whether OpenAI's `error` object is added."""
    for_openai = path.startswith(("/v1/", "/api/v1/"))
    body = openai_problem_of(error, trace_id) if for_openai else problem_of(error, trace_id)
    headers = {"x-trace-id": trace_id} if trace_id else {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.kind is ErrorKind.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    return Response(to_json(body), status_of(error), headers, PROBLEM_MEDIA_TYPE)


def unexpected(error: Exception) -> ServiceError:
    """What is told of a failure that nobody foresaw. Logs it, once, with its trace back."""
    _log.error("unexpected %s", type(error).__name__, exc_info=error)
    return ServiceError(ErrorKind.SERVER_ERROR, _UNEXPECTED)


class MethodNotAllowed(ServiceError):
    """The path is there, for `allowed` methods only."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(ErrorKind.METHOD_NOT_ALLOWED, f"this path answers {', '.join(allowed)} only")
        self.allowed = allowed


def add_error_handlers(app: FastAPI, services: Services) -> None:
    """Turn every exception that a route or the router raises into a problem. Unexpected ones are left to the guard."""

    def reply(request: Request, error: ServiceError) -> Response:
        return problem_response(error, services.current_trace().trace_id, request.url.path)

    async def foreseen(request: Request, error: Exception) -> Response:
        return reply(request, error if isinstance(error, ServiceError) else unexpected(error))

    async def invalid(request: Request, error: Exception) -> Response:
        errors = error.errors() if isinstance(error, RequestValidationError) else ()
        # The first part of a place says only that it is a parameter.
        return reply(request, Invalid(faults_of([{**one, "loc": one["loc"][1:]} for one in errors])))

    async def unrouted(request: Request, error: Exception) -> Response:
        return reply(request, _unrouted(request, error))

    app.add_exception_handler(ServiceError, foreseen)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, unrouted)


def _unrouted(request: Request, error: Exception) -> ServiceError:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return ServiceError(ErrorKind.NOT_FOUND, "there is nothing at this path; /openapi.json lists what there is")
    if status == 405:
        return MethodNotAllowed(_allowed_methods(request))
    return ServiceError(ErrorKind.BAD_REQUEST if 400 <= status < 500 else ErrorKind.SERVER_ERROR, "refused")


def _allowed_methods(request: Request) -> tuple[str, ...]:
    """Of every route at this path: the framework's own answer knows only the first of them."""
    allowed: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            allowed |= getattr(route, "methods", None) or set()
    return tuple(sorted(allowed))
