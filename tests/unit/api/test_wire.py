"""What goes over the wire."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from service.api.answers import AnswerShape
from service.api.wire import answer_object, header_text, json_response, timings_object
from service.ask.types import Stage, Timings
from tests.fakes.services import RESULT

seconds = st.floats(0, 200, allow_nan=False)


@given(st.dictionaries(st.sampled_from(Stage), seconds), seconds)
def test_the_parts_sum_to_the_total_as_written(stages: dict[Stage, float], rest: float) -> None:
    total = sum(stages.values()) + rest
    written = json.loads(json.dumps(timings_object(Timings(total, stages, rest))), parse_float=Decimal)
    parts = [value for name, value in written.items() if name != "total_s"]
    assert sum(parts) == written["total_s"]
    assert all(value >= 0 for value in parts)
    assert abs(float(written["total_s"]) - total) <= 1e-6


@given(st.dictionaries(st.sampled_from(Stage), seconds), seconds)
def test_stages_above_the_total_give_way(stages: dict[Stage, float], total: float) -> None:
    written = json.loads(json.dumps(timings_object(Timings(total, stages))), parse_float=Decimal)
    assert sum(value for name, value in written.items() if name != "total_s") == written["total_s"]
    assert all(value >= 0 for value in written.values())


def test_stages_carry_their_names() -> None:
    assert timings_object(Timings(1.0, {Stage.CACHE_LOOKUP: 0.25}, 0.75)) == {
        "total_s": 1.0,
        "cache_lookup_s": 0.25,
        "unaccounted_s": 0.75,
    }


def test_the_answer_is_what_its_description_says() -> None:
    body = bytes(json_response(answer_object(RESULT)).body)
    assert AnswerShape.model_validate_json(body).routing.explanation == ["4 words"]
    assert set(json.loads(body)) == set(AnswerShape.model_fields)


def test_header_text_is_safe() -> None:
    assert header_text("llama3.2:3b") == "llama3.2:3b"
    assert header_text("modèle") == "mod?le"
