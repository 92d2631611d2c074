"""An answer in OpenAI's forms: the chat completion, and its chunks as a stream."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from service.api.errors import openai_problem_of
from service.api.frames import AskFrames
from service.api.sse import frame
from service.api.wire import answer_object
from service.ask.types import AskEvent, AskResult, Degradation, Done, Question, Started, Token
from service.errors import ServiceError

_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What all pieces of one reply share. `created` in Unix seconds, for people."""

    question: Question
    ignored_messages: int
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))


def completion_object(conversation: Conversation, result: AskResult) -> dict[str, Any]:
    """The whole reply."""
    message = {"role": "assistant", "content": result.answer.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(result)}
    return {
        "id": conversation.id,
        "object": "chat.completion",
        "created": conversation.created,
        "model": _model(result),
        "choices": [choice],
        "usage": _usage(result),
        "rag": _rag(conversation, result),
    }


class ChatFrames:
    """Implements `Frames`. `rag` comes with the chunk that ends the text."""

    def __init__(self, conversation: Conversation, *, with_usage: bool) -> None:
        self._conversation = conversation
        self._with_usage = with_usage
        self._model = conversation.question.model
        self._said = False

    def headers(self, head: list[AskEvent]) -> dict[str, str]:
        return AskFrames(self._conversation.question.trace.trace_id).headers(head)

    def of(self, event: AskEvent) -> bytes:
        if isinstance(event, Started):
            self._model = event.route.model or event.route.requested
            return self._chunk({"role": "assistant", "content": ""})
        if isinstance(event, Token):
            if event.thinking:
                return self._chunk({"reasoning_content": event.text})
            self._said = True
            return self._chunk({"content": event.text})
        return self._end(event.result) if isinstance(event, Done) else b""

    def failure(self, error: ServiceError) -> bytes:
        return frame(openai_problem_of(error, self._conversation.question.trace.trace_id))

    def _end(self, result: AskResult) -> bytes:
        self._model = _model(result)
        text = b"" if self._said or not result.answer.text else self._chunk({"content": result.answer.text})
        end = self._chunk({}, finish=_finish(result), rag=_rag(self._conversation, result))
        usage = frame(self._head() | {"choices": [], "usage": _usage(result)}) if self._with_usage else b""
        return text + end + usage + _DONE

    def _chunk(self, delta: dict[str, Any], finish: str | None = None, **extra: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return frame(self._head() | {"choices": [choice]} | extra)

    def _head(self) -> dict[str, Any]:
        return {
            "id": self._conversation.id,
            "object": "chat.completion.chunk",
            "created": self._conversation.created,
            "model": self._model,
        }


def _finish(result: AskResult) -> str:
    return "length" if Degradation.OUTPUT_TRUNCATED in result.answer.degraded else "stop"


def _model(result: AskResult) -> str:
    """OpenAI's clients need a name: how the answer was made, where no model wrote it."""
    return result.answer.model or result.answer.mode


def _usage(result: AskResult) -> dict[str, int]:
    answer = result.answer
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }


def _rag(conversation: Conversation, result: AskResult) -> dict[str, Any]:
    rag = answer_object(result)
    del rag["answer"], rag["usage"]
    return rag | {"ignored_messages": conversation.ignored_messages}
