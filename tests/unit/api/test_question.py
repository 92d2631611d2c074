"""From a request's body to a question."""

import pytest

from service.api.bodies import CacheBody
from service.api.question import cache_control, check_text
from service.api.validation import Invalid
from service.cache.port import CacheControl
from service.services import HttpLimits

LIMITS = HttpLimits(max_question_chars=10)


@pytest.mark.parametrize("text", ["x", "0123456789", " x ", "äöü\n\t"])
def test_texts_that_are_questions(text: str) -> None:
    check_text("query", text, LIMITS)


@pytest.mark.parametrize(
    ("text", "part"),
    [("", "is empty"), ("\u00a0\u2003", "is empty"), ("0123456789x", "has 11 characters, 10"), ("a\0", "NUL")],
)
def test_texts_that_are_not(text: str, part: str) -> None:
    with pytest.raises(Invalid, match=part) as caught:
        check_text("query", text, LIMITS)
    assert caught.value.faults[0].field == "query"


@pytest.mark.parametrize(
    ("body", "header", "control"),
    [
        (None, "", CacheControl()),
        (CacheBody(), "", CacheControl()),
        (None, "no-cache", CacheControl(no_cache=True)),
        (None, " NO-STORE ,no-cache", CacheControl(no_cache=True, no_store=True)),
        (None, "x-no-cache, no-cache=1", CacheControl()),
        (
            CacheBody.model_validate({"no-cache": False, "ttl": 0, "s-maxage": 5}),
            "no-store",
            CacheControl(False, True, 0, 5),
        ),
    ],
)
def test_body_and_header_both_count(body: CacheBody | None, header: str, control: CacheControl) -> None:
    assert cache_control(body, header) == control
