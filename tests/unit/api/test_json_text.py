"""JSON text."""

import json
import math

import pytest

from service.api.json_text import to_json
from service.cache.port import CacheName


def test_enums_tuples_and_what_json_does_not_have() -> None:
    assert to_json({CacheName.ANSWER: (CacheName.PROMPT, math.nan, math.inf, None, "é")}) == (
        '{"answer":["prompt",null,null,null,"é"]}'.encode()
    )


def test_half_a_surrogate_pair_does_not_fail_the_reply() -> None:
    assert json.loads(to_json({"text": "a\ud800", CacheName.ANSWER: 1})) == {"text": "a\ud800", "answer": 1}


def test_what_cannot_be_written_is_an_error_of_ours() -> None:
    with pytest.raises(TypeError):
        to_json(object())
