"""A judged query as a row, and back."""

import json
from dataclasses import replace

import pytest

from service.ask.types import Outcome, Stage
from service.errors import ErrorKind
from service.monitoring.fault import judge
from service.monitoring.port import JudgedQuery, QueryType
from service.monitoring.slow_row import COLUMNS, from_row, to_row
from service.routing.port import Tier
from tests.unit.monitoring.records import hit, warm

PHASES = {"queue": 0.1, "load": 0.0, "prompt_eval": 0.2, "eval": 0.5}
FAILED = warm(
    outcome=Outcome.ERROR, type=QueryType.ERROR, error=ErrorKind.TIMEOUT, model=None, tier=None, mode=None, reason=None,
    cache=None, stages={}, unaccounted_s=1.0, trace_id="",
)  # fmt: skip
FULL = warm(
    cold=True, tier=Tier.RESEARCH, phases=PHASES, input_tokens=812, output_tokens=44, degraded=("no_embedder",),
    unaccounted_s=0.001, trace_id="0af7", question="why?",
)  # fmt: skip


@pytest.mark.parametrize("record", [warm(), hit(), FAILED, FULL])
def test_nothing_is_lost(record: object) -> None:
    query = JudgedQuery(record, "generate", 0.9, 0.9, 0.5, 0.0, None)  # type: ignore[arg-type]
    assert len(to_row(query)) == len(COLUMNS)
    assert from_row(to_row(query)) == query


def test_seconds_are_kept_to_the_microsecond() -> None:
    third = 1 / 3
    record = warm(duration_s=third, stages={Stage.GENERATE: third}, unaccounted_s=third)
    back = from_row(to_row(judge(record, {})))
    assert back.record.duration_s == back.record.stages[Stage.GENERATE] == back.stage_s == 0.333333


def test_no_content_is_in_it_unless_it_was_captured() -> None:
    assert "question" not in json.loads(to_row(judge(warm(), {}))[-1])


@pytest.mark.parametrize(
    "change",
    [{"outcome": "sideways"}, {"rest": "{"}, {"rest": "[]"}, {"rest": "{}"}, {"rest": None}, {"duration": "long"}],
)
def test_a_row_that_cannot_be_read_says_so(change: dict[str, object]) -> None:
    row = dict(zip(COLUMNS, to_row(judge(warm(), {})), strict=True)) | change
    with pytest.raises(ValueError, match="cannot be read"):
        from_row(tuple(row.values()))


def test_words_of_another_version_are_not_guessed_at() -> None:
    row = dict(zip(COLUMNS, to_row(judge(warm(), {})), strict=True))
    rest = json.loads(row["rest"])
    with pytest.raises(ValueError, match="cannot be read"):
        from_row(tuple((row | {"rest": json.dumps(rest | {"stages": {"think": 1.0}})}).values()))
    extra = json.dumps(rest | {"more": 1})
    assert replace(from_row(tuple((row | {"rest": extra}).values()))).record == warm()
