"""Messages as JSON: always valid, never too large."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.content import messages_json


def test_the_form_is_that_of_the_conventions() -> None:
    assert json.loads(messages_json([("user", "Why?")])) == [
        {"role": "user", "parts": [{"type": "text", "content": "Why?"}]}
    ]
    assert json.loads(messages_json([("assistant", "So.")], finish="stop"))[0]["finish_reason"] == "stop"


def test_the_longest_content_is_cut_first() -> None:
    system, user = json.loads(messages_json([("system", "Be brief."), ("user", "x" * 9000)]))
    assert system["parts"][0]["content"] == "Be brief."
    assert user["parts"][0]["content"].startswith("x" * 1700)
    assert user["parts"][0]["content"].endswith("…")


def test_what_cannot_fit_at_all_loses_the_oldest_messages() -> None:
    text = messages_json([("user", f"{number}") for number in range(100)])
    assert len(text.encode()) <= 2000
    assert json.loads(text)[-1]["parts"][0]["content"] == "99"


@pytest.mark.parametrize("content", ["é" * 5000, "\ud800" * 3000, '"\\\n' * 2000, "🙂" * 2000])
def test_bytes_count_not_characters(content: str) -> None:
    text = messages_json([("user", content)])
    assert len(text.encode()) <= 2000
    assert json.loads(text)[0]["parts"][0]["content"].endswith("…")


@given(st.lists(st.tuples(st.sampled_from(["system", "user"]), st.text(max_size=3000)), max_size=6))
def test_any_messages_give_valid_json_within_the_limit(said: list[tuple[str, str]]) -> None:
    text = messages_json(said)
    assert len(text.encode()) <= 2000
    assert len(json.loads(text)) <= len(said)
