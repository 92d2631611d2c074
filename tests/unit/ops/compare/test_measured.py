"""One answer as it is measured."""

import json

import pytest

from ops.compare.measured import Side, taken
from tests.unit.ops.compare.made import LOST, answer, body, pair


def test_an_answer_keeps_its_stages_without_the_total_and_each_source_once() -> None:
    one = taken(body(), 1.7)
    assert one.seconds == 1.7
    assert one.stages == {"route": 0.1, "generate": 1.3, "unaccounted": 0.1}
    assert one.sources == ("a.md", "b.md")
    assert (one.tier, one.model, one.cache) == ("simple", "llama3.2:3b", "bypass")
    assert (one.input_tokens, one.output_tokens) == (120, 9)


def test_no_model_has_a_name_too() -> None:
    assert taken(body(model=None), 1.0).model == "none"


@pytest.mark.parametrize("field", ["timings", "usage", "cache", "citations", "tier"])
def test_what_is_no_answer_is_refused(field: str) -> None:
    told = body()
    del told[field]
    with pytest.raises(KeyError):
        taken(told, 1.0)


def test_a_pair_is_whole_when_both_answered() -> None:
    assert pair(answer(), answer(2.0)).both()[1].seconds == 2.0
    for broken in (pair(LOST, answer()), pair(answer(), LOST)):
        assert not broken.whole
        with pytest.raises(ValueError, match="not answered"):
            broken.both()


def test_a_pair_is_written_as_json() -> None:
    told = json.loads(json.dumps(pair(answer(), LOST, question=3, number=1, first=Side.CANDIDATE).as_object()))
    assert (told["question"], told["round"], told["first"]) == (3, 1, "candidate")
    assert (told["baseline"]["seconds"], told["candidate"]["kind"]) == (1.0, "timeout")


def test_each_side_has_another() -> None:
    assert [side.other for side in Side] == [Side.CANDIDATE, Side.BASELINE]
