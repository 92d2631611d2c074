"""Where questions come from."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ops.compare.questions import MAX_CHARS, RECORDED_CHARS, RECORDS, of_file, of_record, of_samples
from service.cli.client import ServiceClient
from service.cli.failures import USAGE, Failure
from tests.fakes.stub_server import Stub

NOW = 1_700_000_000.0


def file(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def recorded(stub: Stub, *records: dict[str, Any]) -> ServiceClient:
    """A service that remembers these, newest last."""
    stub.content = json.dumps({"recent_times": [], "recent": list(records)}).encode()
    return ServiceClient(stub.url)


def record(at: float, question: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"at": at, "duration_s": 1.0} | ({"question": question} if question is not None else {}) | fields


def test_the_samples_are_ten_of_each_tier() -> None:
    samples = of_samples()
    assert Counter(one.tier for one in samples.asked) == dict.fromkeys(("simple", "medium", "complex", "research"), 10)
    assert samples.source == "40 sample questions"


def test_a_text_file_holds_a_question_a_line(tmp_path: Path) -> None:
    path = file(tmp_path, "mine.txt", "\ufeff# mine\n\n  What is a hedge? \nDefine VWAP\nWhat is a hedge?\n")
    found = of_file(path)
    assert [one.text for one in found.asked] == ["What is a hedge?", "Define VWAP"]
    assert found.source == "2 questions of mine.txt"


def test_a_json_file_holds_an_object_a_line(tmp_path: Path) -> None:
    lines = ['{"question": "A?"}', '{"id": 1, "query": "# B?"}', '{"text": "C?"}', '"D?"']
    found = of_file(file(tmp_path, "mine.jsonl", "\n".join(lines)))
    assert [one.text for one in found.asked] == ["A?", "# B?", "C?", "D?"]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.jsonl", '{"question": "A?"}\nnot json', 2),
        ("a.jsonl", '{"asked": "A?"}', 1),
        ("a.jsonl", "[1]", 1),
        ("a.txt", "x" * (MAX_CHARS + 1), 1),
        ("a.txt", "A?\n\nB\0", 3),
    ],
)
def test_a_line_without_a_question_is_named(tmp_path: Path, name: str, text: str, line: int) -> None:
    with pytest.raises(Failure, match=f"Line {line} of .* holds no question") as caught:
        of_file(file(tmp_path, name, text))
    assert caught.value.code == USAGE


def test_a_broken_object_is_told_with_what_it_must_have(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        of_file(file(tmp_path, "a.jsonl", '{"asked": "A?"}'))
    assert caught.value.why.endswith("and stands in an object's question, query or text")


def test_what_is_no_utf_8_is_refused_and_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("What is VWAP?\nWhat is été?".encode("latin-1"))
    with pytest.raises(Failure, match=r"a\.txt is no text in UTF-8") as caught:
        of_file(tmp_path / "a.txt")
    assert (caught.value.code, caught.value.why) == (USAGE, "byte 22 is not")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="holds no question"):
        of_file(file(tmp_path, "a.txt", "# nothing\n"))


def test_the_past_is_what_was_asked_within_the_time_without_repeats(stub: Stub) -> None:
    kept = [record(NOW - 99, "old?"), record(NOW - 5, "A?"), record(NOW - 4, "B?"), record(NOW - 3, "A?")]
    with recorded(stub, *kept) as service:
        found = of_record(service, "10s", NOW - 10)
    assert [one.text for one in found.asked] == ["A?", "B?"]
    assert found.source == "2 questions of 3 requests within the last 10s"
    assert stub.seen[0][1] == f"/monitoring/recent?count={RECORDS}"


def test_questions_that_may_be_cut_are_left_out_and_told(stub: Stub) -> None:
    with recorded(stub, record(NOW, "x" * RECORDED_CHARS), record(NOW, ""), record(NOW, "A?")) as service:
        found = of_record(service, "1h", NOW - 10)
    assert [one.text for one in found.asked] == ["A?"]
    assert found.source == "1 question of 3 requests within the last 1h, 2 left out that were not kept whole"


def test_a_full_memory_is_said_to_be_full(stub: Stub) -> None:
    with recorded(stub, *(record(NOW, f"{number}?") for number in range(RECORDS))) as service:
        assert of_record(service, "1h", NOW - 10).source.endswith("(only the last 1,000 are remembered)")


@pytest.mark.parametrize("kept", [record(NOW), record(NOW, question=""), record(NOW) | {"question": None}])
def test_without_captured_content_it_says_how_to_have_it(stub: Stub, kept: dict[str, Any]) -> None:
    with recorded(stub, kept) as service, pytest.raises(Failure, match="has not kept what it was asked") as caught:
        of_record(service, "24h", NOW - 10)
    assert caught.value.why == "it remembers 1 request of the last 24h without their text"
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY" in caught.value.todo
    assert "--queries" in caught.value.todo


def test_a_quiet_service_is_said_to_be_quiet(stub: Stub) -> None:
    with recorded(stub, record(NOW - 99, "A?")) as service, pytest.raises(Failure, match="nothing within the last 10s"):
        of_record(service, "10s", NOW - 10)


def test_only_cut_questions_are_none(stub: Stub) -> None:
    with recorded(stub, record(NOW, "x" * RECORDED_CHARS)) as service, pytest.raises(Failure, match="too long"):
        of_record(service, "10s", NOW - 10)
