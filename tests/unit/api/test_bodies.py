"""Request bodies."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.api.bodies import AskBody, CacheBody, ChatBody


@pytest.mark.parametrize("field", [{"no_cache": True}, {"noCache": True}, {"ttl": float("inf")}, {"ttl": "5"}])
def test_the_cache_is_told_in_its_own_words_only(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CacheBody.model_validate(field)


def test_a_question_alone_is_enough_and_cannot_be_changed() -> None:
    body = AskBody.model_validate({"query": "x"})
    assert (body.model, body.stream, body.cache) == (None, None, None)
    with pytest.raises(ValidationError):
        body.query = "y"


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([("user", "a"), ("assistant", "b"), ("user", "c")], "c"),
        ([("user", "a"), ("assistant", "b")], "a"),
        ([("system", "a")], None),
        ([("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])], "a\nb"),
        ([("user", "a"), ("user", [{"type": "image_url"}])], None),
    ],
)
def test_the_last_user_message_is_the_question(messages: list[tuple[str, Any]], text: str | None) -> None:
    told = [{"role": role, "content": content} for role, content in messages]
    assert ChatBody.model_validate({"messages": told}).question() == text
