"""Kinds, statuses and problem documents."""

import http

import pytest

from service.api.answers import Problem
from service.api.errors import STATUS, TITLES, problem_of, problem_response, status_of
from service.api.validation import Fault, Invalid
from service.errors import BadDependencyReply, Dependency, ErrorKind, Overloaded, ServiceError, Unauthorized
from tests.fakes.services import TRACE, FakeServices
from tests.unit.api.client import client_of


def test_every_kind_has_a_status_and_a_title() -> None:
    assert set(STATUS) == set(TITLES) == set(ErrorKind)
    assert all(400 <= status < 600 for status in STATUS.values())
    assert {status for status in STATUS.values() if status != 499} <= {status.value for status in http.HTTPStatus}


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_gives_a_problem_document(kind: ErrorKind) -> None:
    reply = problem_response(ServiceError(kind, "what happened"), "t1")
    problem = Problem.model_validate_json(bytes(reply.body))
    assert (problem.status, problem.kind, problem.detail, problem.trace_id) == (
        STATUS[kind],
        kind,
        "what happened",
        "t1",
    )
    assert reply.status_code == problem.status
    assert reply.media_type == "application/problem+json"
    assert reply.headers["x-trace-id"] == "t1"


def test_waiting_is_told_in_whole_seconds() -> None:
    assert problem_response(Overloaded("full", retry_after_s=0.2), "").headers["retry-after"] == "1"
    assert problem_response(Overloaded("full", retry_after_s=2.1), "").headers["retry-after"] == "3"
    assert "retry-after" not in problem_response(ServiceError(ErrorKind.TIMEOUT, "x"), "").headers


def test_who_is_not_known_hears_how_to_say_who_he_is() -> None:
    assert problem_response(Unauthorized("no key"), "").headers["www-authenticate"] == "Bearer"


def test_extra_members_only_where_they_say_something() -> None:
    plain = problem_of(ServiceError(ErrorKind.TIMEOUT, "x"), "t")
    assert set(plain) == {"type", "title", "status", "kind", "detail", "trace_id"}
    staged = problem_of(ServiceError(ErrorKind.TIMEOUT, "x", stage="embed"), "t")
    assert staged["stage"] == "embed"
    assert problem_of(Invalid([Fault("a", "is wrong")]), "t")["errors"] == [{"field": "a", "problem": "is wrong"}]
    assert "error" not in plain


async def test_an_unknown_path_is_a_problem() -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.get("/canary-4711")
    assert (reply.status_code, reply.json()["kind"], reply.json()["trace_id"]) == (404, "not_found", TRACE.trace_id)
    assert "canary" not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/ask", "POST"),
        ("PUT", "/documents", "GET, POST"),
        ("POST", "/api/documents/x", "DELETE, GET"),
        ("OPTIONS", "/ask", "POST"),
    ],
)
async def test_a_wrong_method_hears_every_right_one(method: str, path: str, allow: str) -> None:
    async with client_of(FakeServices()) as client:
        reply = await client.request(method, path)
    assert (reply.status_code, reply.json()["kind"], reply.headers["allow"]) == (405, "method_not_allowed", allow)


@pytest.mark.parametrize("kind", [ErrorKind.BAD_REQUEST, ErrorKind.SERVER_ERROR, ErrorKind.OTHER])
def test_what_another_server_refused_is_a_bad_gateway(kind: ErrorKind) -> None:
    error = BadDependencyReply(kind, Dependency.OLLAMA, "Ollama answered 400")
    assert status_of(error) == 502
    assert problem_of(error, "t1")["kind"] == kind.value
    assert status_of(ServiceError(kind, "ours")) != 502
