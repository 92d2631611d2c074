"""Answering without HTTP: the same events in the same shapes."""

from typing import Any

import pytest

from service.api.wire import answer_object
from service.ask.types import Done, Failed, Outcome, Started, Timings, Token
from service.auth.principal import LOCAL
from service.cli.in_process import answering
from service.errors import Dependency, DependencyTimeout
from tests.fakes.services import RESULT, ROUTE, SCRIPT, TRACE, FakeServices

BODY: dict[str, Any] = {"query": "why?", "model": "auto"}


async def events(fakes: FakeServices, body: dict[str, Any]) -> list[tuple[str, Any]]:
    return [event async for event in answering(fakes.build(), body)]


async def test_events_are_those_of_the_route() -> None:
    fakes = FakeServices()
    found = await events(fakes, BODY)
    assert [name for name, _ in found] == ["meta", "token", "token", "citations", "done"]
    assert found[-1][1]["answer"] == answer_object(RESULT)["answer"]
    assert found[0][1]["trace_id"] == TRACE.trace_id
    (question,) = fakes.asker.questions
    assert (question.tenant, question.trace) == (LOCAL.tenant, TRACE)
    assert fakes.asker.closed == 1


async def test_an_answer_without_tokens_is_told_as_one() -> None:
    fakes = FakeServices()
    fakes.asker.script = [Started(ROUTE), Done(RESULT)]
    assert [name for name, _ in await events(fakes, BODY)] == ["meta", "token", "citations", "done"]


async def test_line_breaks_in_an_answer_stay_in_one_event() -> None:
    fakes = FakeServices()
    fakes.asker.script = [SCRIPT[0], Token("a\n\nb\u2028c\x85d"), Done(RESULT)]
    found = await events(fakes, BODY)
    assert found[1] == ("token", {"text": "a\n\nb\u2028c\x85d"})


async def test_a_failure_is_an_error_event() -> None:
    fakes = FakeServices()
    failed = Failed(DependencyTimeout(Dependency.OLLAMA, "too slow"), Outcome.ERROR, Timings(0.1))
    fakes.asker.script = [Started(ROUTE), failed]
    name, problem = (await events(fakes, BODY))[-1]
    assert (name, problem["kind"], problem["detail"]) == ("error", "timeout", "too slow")


@pytest.mark.parametrize("query", [" ", "x" * 8001, "a\0b"])
async def test_a_question_that_is_not_allowed_never_reaches_the_asker(query: str) -> None:
    fakes = FakeServices()
    ((name, problem),) = await events(fakes, BODY | {"query": query})
    assert (name, problem["kind"]) == ("error", "invalid_question")
    assert fakes.asker.questions == []


async def test_leaving_early_closes_the_work() -> None:
    fakes = FakeServices()
    found = answering(fakes.build(), BODY)
    await anext(found)
    await found.aclose()  # type: ignore[attr-defined]
    assert fakes.asker.closed == 1
