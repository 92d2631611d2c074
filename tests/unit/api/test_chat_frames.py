"""Answers in OpenAI's forms."""

from dataclasses import replace
from typing import Any

from service.api.chat_frames import ChatFrames, Conversation, completion_object
from service.ask.types import (
    AskResult,
    CacheFacts,
    Degradation,
    Done,
    Failed,
    Mode,
    Outcome,
    Question,
    Started,
    Timings,
    Token,
)
from service.cache.port import CacheResult
from service.errors import ErrorKind, ServiceError
from service.routing.port import Tier
from tests.server_sent import events_of
from tests.unit.ask.samples import ANSWER, route

RESULT = AskResult(ANSWER, Tier.SIMPLE, route(), CacheFacts(CacheResult.MISS), Timings(0.5), Outcome.DEGRADED, "t1")
TALK = Conversation(Question("What?", model="auto"), ignored_messages=2, id="chatcmpl-1", created=7)


def chunks(*events: Any, with_usage: bool = False) -> list[Any]:
    frames = ChatFrames(TALK, with_usage=with_usage)
    return [data for _, data in events_of(b"".join(map(frames.of, events)).decode())]


def test_the_whole_reply_names_the_model_and_says_what_was_not_read() -> None:
    told = completion_object(TALK, RESULT)
    assert (told["id"], told["created"], told["model"]) == ("chatcmpl-1", 7, "small")
    assert told["choices"][0]["message"]["content"] == ANSWER.text
    assert told["usage"] == {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
    assert told["rag"]["ignored_messages"] == 2
    assert "answer" not in told["rag"]
    assert told["rag"]["citations"][0]["source"] == "momentum.md"


def test_a_stream_begins_with_the_role_and_ends_with_done() -> None:
    told = chunks(Started(route()), Token("Momentum "), Token("persists."), Done(RESULT))
    deltas = [chunk["choices"][0]["delta"] for chunk in told[:-1]]
    assert deltas == [{"role": "assistant", "content": ""}, {"content": "Momentum "}, {"content": "persists."}, {}]
    assert told[-2]["choices"][0]["finish_reason"] == "stop"
    assert told[-2]["rag"]["mode"] == "generated"
    assert told[-1] == "[DONE]"


def test_an_answer_that_was_never_streamed_comes_in_one_piece() -> None:
    told = chunks(Started(route()), Done(RESULT))
    assert told[1]["choices"][0]["delta"] == {"content": ANSWER.text}


def test_thinking_is_no_content_and_usage_comes_when_asked_for() -> None:
    told = chunks(Token("Hmm.", thinking=True), Done(RESULT), with_usage=True)
    assert told[0]["choices"][0]["delta"] == {"reasoning_content": "Hmm."}
    assert told[-2]["choices"] == []
    assert told[-2]["usage"]["total_tokens"] == 17


def test_a_cut_answer_and_one_without_a_model_say_so() -> None:
    cut = replace(ANSWER, degraded=(Degradation.OUTPUT_TRUNCATED,))
    assert completion_object(TALK, replace(RESULT, answer=cut))["choices"][0]["finish_reason"] == "length"
    quoted = replace(ANSWER, model=None, mode=Mode.EXTRACTIVE)
    assert completion_object(TALK, replace(RESULT, answer=quoted))["model"] == "extractive"


def test_a_failure_is_openais_error_object_and_failed_events_add_nothing() -> None:
    error = ServiceError(ErrorKind.STREAM_ERROR, "broke off")
    frames = ChatFrames(TALK, with_usage=False)
    assert frames.of(Failed(error, Outcome.ERROR, Timings(0.1))) == b""
    ((_, told),) = events_of(frames.failure(error).decode())
    assert told["error"]["message"] == "broke off"
