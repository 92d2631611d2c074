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


def test_a_slower_tier_is_named_with_the_stage_that_took_longer() -> None:
    document = told([*pairs(1.0), *pairs(1.4, tier="complex", base=50)])
    assert (document.verdict, document.mood) == ("slower", "bad")
    (sentence,) = document.summary
    assert sentence.startswith("Tier complex is slower: the candidate typically takes 1.40 (")
    assert "most of it is in generate (" in sentence
    rows = {row[0]: row[-1] for row in section(document, "Time to answer").grid.rows}  # type: ignore[union-attr]
    assert rows["simple"] == "no evidence"
    assert rows["complex"] == "slower"


def test_all_is_named_only_where_no_tier_is() -> None:
    whole = told([*pairs(1.4), *pairs(1.4, tier="complex", base=50)])
    assert [sentence.split(" is ")[0] for sentence in whole.summary] == ["Tier simple", "Tier complex"]


def test_no_evidence_says_what_would_have_been_seen() -> None:
    (sentence,) = told(pairs(1.0)).summary
    assert sentence.startswith("No change of 10% and 20 ms or more was found in any tier. A slowdown of more than ")


def test_faster_is_good() -> None:
    document = told(pairs(0.6))
    assert (document.verdict, document.mood) == ("faster", "good")


def test_different_answers_are_shown() -> None:
    asked = [replace(one, candidate=replace(one.both()[1], answer="something else")) for one in pairs(1.0)]
    document = told(asked)
    assert document.summary == ("The candidate answers differently: what the answers say.",)
    rows = section(document, "The questions that").grid.rows  # type: ignore[union-attr]
    assert len(rows) == 5
    assert rows[0][0].startswith("question ")
    assert rows[0][1].endswith("[generated, momentum.md]")
    assert rows[0][2].startswith("something else\n")


def test_alike_answers_are_not_shown() -> None:
    assert "The questions that" not in "".join(one.title for one in told(pairs(1.0)).sections)


def test_failures_are_told_by_kind() -> None:
    document = told([*pairs(1.0), *(pair(answer(), LOST) for _ in range(12)), pair(LOST, answer())])
    assert "more of them fail" in document.summary[0]
    rows = {row[0]: row[1:3] for row in section(document, "Answers").grid.rows}  # type: ignore[union-attr]
    assert rows["failed with timeout"] == ("1", "12")
    assert rows["failed alone (both: 0)"] == ("1", "12")


def test_what_was_not_judged_is_said() -> None:
    few = told(pairs(1.0, questions=2, rounds=2))
    assert few.summary == ("Too few pairs (under 12) to judge: simple.",)
    once = told(pairs(1.0, questions=20, rounds=1))
    assert once.summary[-1].startswith("No question was answered twice by both")


def test_nothing_measured_is_still_a_report() -> None:
    document = told([])
    assert document.summary == ("Too little was measured to say anything.",)
    assert render(document).startswith("# Candidate against baseline")


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
