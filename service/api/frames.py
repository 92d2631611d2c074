"""The events of `POST /ask` as a stream: meta, token, citations, done, error."""

from typing import Any

from service.api.errors import problem_of
from service.api.sse import frame
from service.api.wire import answer_headers, answer_object, citations_list, header_text, routing_object
from service.ask.types import AskEvent, AskResult, Done, Started, Token
from service.errors import ServiceError


class AskFrames:
    """Implements `Frames`. An answer that came without tokens (cached, quoted) is sent as one token, so that a reader
    of tokens alone always has the whole text."""

    def __init__(self, trace_id: str) -> None:
        self._trace_id = trace_id
        self._said = False

    def headers(self, head: list[AskEvent]) -> dict[str, str]:
        headers = {"x-trace-id": self._trace_id}
        for event in head:
            if isinstance(event, Started) and event.route.model is not None:
                headers["x-rag-model"] = header_text(event.route.model)
            elif isinstance(event, Done):
                headers |= answer_headers(event.result)
        return headers

    def of(self, event: AskEvent) -> bytes:
        if isinstance(event, Started):
            return frame({"trace_id": event.trace_id, "routing": routing_object(event.route)}, "meta")
        if isinstance(event, Token):
            self._said = self._said or not event.thinking
            return frame(_token(event), "token")
        return self._end(event.result) if isinstance(event, Done) else b""

    def failure(self, error: ServiceError) -> bytes:
        return frame(problem_of(error, self._trace_id), "error")

    def _end(self, result: AskResult) -> bytes:
        whole = b"" if self._said or not result.answer.text else frame({"text": result.answer.text}, "token")
        citations = frame({"citations": citations_list(result.answer)}, "citations")
        return whole + citations + frame(answer_object(result), "done")


def _token(token: Token) -> dict[str, Any]:
    return {"text": token.text, "thinking": True} if token.thinking else {"text": token.text}
