"""Answers as bytes."""

import pytest

from service.ask.codec import decode, encode
from service.ask.types import Answer, Mode
from tests.unit.ask.samples import ANSWER


@pytest.mark.parametrize(
    "answer",
    [ANSWER, Answer("", Mode.NO_CONTEXT, None), Answer("ümlaut \u2028 \U0001f600 \ud83d.", Mode.EXTRACTIVE, None)],
)
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    assert decode(encode(answer)) == answer


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        encode(ANSWER).replace(b'"generated"', b'"guessed"'),
        encode(ANSWER).replace(b'"text"', b'"txt"', 1),
        encode(ANSWER).replace(b'"no_embedder"', b'"unheard_of"'),
        encode(ANSWER)[:-2],
    ],
)
def test_what_encode_did_not_write_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError):
        decode(payload)
