"""The report of a replay."""

from dataclasses import replace

import pytest

from ops.compare.account import Conditions, account
from ops.compare.document import Document, Section
from ops.compare.findings import findings
from ops.compare.markdown import render
from ops.compare.measured import Pair
from ops.compare.verdict import Floor, judge
from tests.unit.ops.compare.made import LOST, answer, pair, pairs

CONDITIONS = Conditions(
    baseline="http://a (production, version 1)",
    candidate="http://b (development, version 2)",
    source="8 questions of mine.txt",
    rounds=4,
    seed=7,
    cached=False,
    fields="temperature 0.0",
    begun="2026-11-26 02:00:00",
    took_s=61.0,
    warmed=2,
)
QUESTIONS = [f"question {number}?" for number in range(120)]


def told(asked: list[Pair], **conditions: object) -> Document:
    found = findings(asked, 1, 50)
    given = replace(CONDITIONS, **conditions)  # type: ignore[arg-type]
    return account(given, QUESTIONS, asked, found, judge(found, Floor()))


def section(document: Document, title: str) -> Section:
    return next(one for one in document.sections if one.title.startswith(title))


def test_a_slower_tier_is_told_first_and_in_its_row() -> None:
    document = told([*pairs(1.0), *pairs(1.4, tier="complex", base=50)])
    assert (document.verdict, document.mood) == ("slower", "bad")
    assert document.summary[0].startswith("Tier complex is slower")
    assert document.subject == (
        "http://b (development, version 2) against http://a (production, version 1): 64 pairs, 8 questions of "
        "mine.txt; 2026-11-26 02:00:00"
    )
    rows = {row[0]: row[1] for row in section(document, "Time to answer").grid.rows}  # type: ignore[union-attr]
    assert rows["simple"] == "no evidence"
    assert rows["complex"] == "slower"


def test_faster_is_good() -> None:
    document = told(pairs(0.6))
    assert (document.verdict, document.mood) == ("faster", "good")


def test_different_answers_are_shown() -> None:
    asked = [replace(one, candidate=replace(one.both()[1], answer="something else")) for one in pairs(1.0)]
    document = told(asked)
    assert (document.verdict, document.mood) == ("different answers", "bad")
    assert section(document, "Answers").sentences == (
        "Answers to one question have 100% of their words in common when one instance is asked again, 0% across the "
        "two (p < 0.001).",
        "Answers to one question have 100% of their sources in common when one instance is asked again, 100% across "
        "the two (p 1.000).",
        "Words lost across the two, by tier: simple 100%.",
    )
    rows = section(document, "The questions that").grid.rows  # type: ignore[union-attr]
    assert len(rows) == 5
    assert rows[0][0].startswith("question ")
    assert rows[0][1].endswith("[generated, momentum.md]")
    assert rows[0][2].startswith("something else\n")


def test_alike_answers_are_not_shown() -> None:
    assert "The questions that" not in "".join(one.title for one in told(pairs(1.0)).sections)


def test_failures_are_told_by_kind() -> None:
    document = told([*pairs(1.0), *(pair(answer(), LOST) for _ in range(12)), pair(LOST, answer())])
    assert "fails more" in document.summary[0]
    rows = {row[0]: row[1:3] for row in section(document, "Answers").grid.rows}  # type: ignore[union-attr]
    assert rows["failed with timeout"] == ("1", "12")
    assert rows["failed where the other answered"] == ("1", "12")
    assert rows["failed where the other failed too"] == ("0", "0")


def test_nothing_measured_is_still_a_report() -> None:
    document = told([])
    assert document.summary == ("Too little was measured to say anything.",)
    assert render(document).startswith("# Candidate against baseline")


def test_figures_stand_under_the_side_that_they_are_of() -> None:
    one = answer(input_tokens=300, output_tokens=10, cache="hit", model="a", stages={"generate": 0.5})
    other = answer(input_tokens=400, output_tokens=30, mode="extractive", model="b", degraded=("no_embedder",))
    document = told([pair(one, other, number=number) for number in range(4)])
    rows = {row[0]: row[1:] for row in section(document, "Answers").grid.rows}  # type: ignore[union-attr]
    assert rows["input tokens, mean"][:2] == ("300", "400")
    assert rows["output tokens, mean"] == ("10", "30", "3.00 (3.00 to 3.00)")
    assert rows["output tokens per second of generating"][:2] == ("20.0", "37.5")
    assert rows["answered from the cache"][:2] == ("4", "0")
    assert rows["models"][:2] == ("a 4", "b 4")
    assert rows["how answered"][:2] == ("generated 4", "extractive 4")
    assert rows["degraded"][:2] == ("-", "no_embedder 4")


def test_stages_have_their_interval_and_small_ones_are_left_out() -> None:
    asked = [
        replace(one, candidate=replace(one.both()[1], stages={**one.both()[1].stages, "route": 0.0001}))
        for one in pairs(1.4)
    ]
    rows = {row[1]: row for row in section(told(asked), "Where the time goes").grid.rows}  # type: ignore[union-attr]
    assert rows.keys() == {"retrieve", "generate", "unaccounted"}
    assert rows["generate"][2:4] == ("1.67 s", "2.42 s")
    low, high = rows["generate"][4].partition("(")[2].strip(")").split(" to ")
    assert low.startswith("+")
    assert float(low.split()[0]) < 751 < 1000 * float(high.split()[0].lstrip("+"))


def test_notes_come_first() -> None:
    assert told(pairs(1.0), notes=("Stopped by the user.",)).summary[0] == "Stopped by the user."


@pytest.mark.parametrize(("cached", "word"), [(False, "passed by"), (True, "used")])
def test_how_it_was_done_is_told(cached: bool, word: str) -> None:
    rows = dict(section(told(pairs(1.0), cached=cached), "What was compared").grid.rows)  # type: ignore[union-attr,arg-type]
    assert rows["cache"] == word
    assert rows["pairs measured"] == "32, and 2 questions to warm up"
    assert rows["seed"] == "7"


def test_each_tier_has_its_curves_and_a_changed_one_its_stages() -> None:
    document = told([*pairs(1.0), *pairs(1.4, tier="complex", base=50)])
    drawings = section(document, "Time to answer").drawings
    assert len(drawings) == 3
    (bars,) = section(document, "Where the time goes").drawings
    assert "Tier complex" in bars
