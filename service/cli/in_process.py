"""Answering in this process, without HTTP: the same events, in the same shapes, as `POST /ask` streams them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from service.api.errors import problem_of
from service.api.frames import AskFrames
from service.api.question import check_text
from service.api.relay import closing
from service.ask.types import Failed, Question
from service.auth.principal import LOCAL
from service.cache.port import CacheControl
from service.cli.client import lines_of, server_sent
from service.errors import ServiceError
from service.services import Services


async def answering(services: Services, body: Mapping[str, Any]) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """(event, data) of one answer; a failure is the event `error` with a problem document. `body` as in `POST /ask`."""
    trace = services.current_trace()
    frames = AskFrames(trace.trace_id)
    try:
        check_text("query", body["query"], services.limits)
    except ServiceError as error:
        yield "error", problem_of(error, trace.trace_id)
        return
    defaults = services.defaults
    question = Question(
        text=body["query"],
        model=body["model"],
        temperature=body.get("temperature", defaults.temperature),
        max_tokens=body.get("max_tokens", defaults.max_tokens),
        top_k=body.get("top_k", defaults.top_k),
        cache=CacheControl(no_cache="cache" in body),
        tenant=LOCAL.tenant,
        trace=trace,
    )
    async with closing(services.asker.ask(question)) as events:
        async for event in events:
            frame = frames.failure(event.error) if isinstance(event, Failed) else frames.of(event)
            for told in server_sent(lines_of([frame])):
                yield told
