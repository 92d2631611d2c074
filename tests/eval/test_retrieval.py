"""The labelled questions are sound, the figures are right, and retrieval is as good as it was."""

import asyncio
import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.generation.port import Excerpt
from service.retrieval.port import Passage
from tests.eval import answers, recorded_vectors, retrieval
from tests.eval import retrieval_measures as measures
from tests.eval.retrieval_measures import Gold, Question

ROWS = [json.loads(line) for line in measures.QUESTIONS.read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True)
class Piece:
    """A span of a document."""

    source: str
    start: int
    end: int


ONE = Question("q1", "one quote", (Gold("a.md", 100, 200),), ("direct",))
TWO = Question("q2", "two quotes", (Gold("a.md", 100, 200), Gold("b.md", 0, 50)), ("comparison",))
HIT, HALF, LESS = Piece("a.md", 0, 300), Piece("a.md", 150, 400), Piece("a.md", 151, 400)
OTHER, SECOND = Piece("c.md", 100, 200), Piece("b.md", 0, 80)


@pytest.fixture(scope="module")
def quality() -> dict[str, Any]:
    return asyncio.run(retrieval.evaluate())


def test_questions_are_many_unique_and_of_every_kind() -> None:
    assert len(ROWS) >= 190
    assert len({row["id"] for row in ROWS}) == len({row["question"] for row in ROWS}) == len(ROWS)
    assert all(bool(row["gold"]) == (row["kind"] == "answerable") for row in ROWS)
    assert sum(row["kind"] == "unanswerable" for row in ROWS) >= 25
    tags = {tag for row in ROWS for tag in row["tags"]}
    assert {"direct", "paraphrase", "numeric", "keyword", "typo", "german", "long", "adjacent", "off-topic"} <= tags


def test_a_quote_is_found_over_line_breaks_and_a_missing_one_is_an_error() -> None:
    assert measures.locate("One.\nIt is\n 0.25 (points). Two.", "It is 0.25 (points).", "a.md") == Gold("a.md", 5, 26)
    with pytest.raises(ValueError, match=r"a\.md does not hold"):
        measures.locate("something else", "It is", "a.md")


def test_the_halves_are_even_and_odd_ids() -> None:
    assert (ONE.split, TWO.split) == ("test", "dev")


def test_a_hit_covers_half_of_the_quote_in_the_right_document() -> None:
    gold = ONE.gold[0]
    assert [measures.holds(span, gold) for span in (HIT, HALF, LESS, OTHER)] == [True, True, False, False]


def test_figures_of_a_known_case() -> None:
    found = [OTHER, HIT, SECOND, HIT]
    assert measures.ranks(found, TWO) == [2, 3]
    assert [measures.recall(found, TWO, depth) for depth in (1, 2, 3)] == [0.0, 0.5, 1.0]
    assert measures.reciprocal_rank(found, TWO) == 0.5
    assert measures.ndcg(found, TWO) == pytest.approx((1 / 1.58496 + 1 / 2) / (1 + 1 / 1.58496), abs=1e-4)
    assert measures.ndcg([HIT, SECOND], TWO) == 1.0
    assert measures.ndcg([HIT, OTHER], ONE) == 1.0
    assert measures.recall([], ONE, 5) == measures.reciprocal_rank([], ONE) == measures.ndcg([], ONE) == 0.0
    assert measures.by_tag([ONE, TWO], lambda question: float(len(question.gold))) == {"comparison": 2, "direct": 1}


def test_figures_of_known_answers() -> None:
    text = "Filler words stand here first. " * 5
    found = Passage("c1", "d1", "a.md", text, 90, 90 + len(text), 1.0)
    quoted = {
        "one quote": [Excerpt("x", "a.md", "d1", "c1", 100, 200, 1.0), Excerpt("y", "a.md", "d1", "c1", 300, 320, 0.9)],
        "two quotes": [],
        "none": [],
    }

    class Scripted:
        def extract(self, text: str, passages: Sequence[Passage]) -> tuple[Excerpt, ...]:
            return tuple(quoted[text])

    unanswerable = Question("q3", "none", (), ("adjacent",))
    figures = answers.answer_figures([(ONE, [found]), (TWO, []), (unanswerable, [])], Scripted())
    assert figures == {
        "quoted": 0.5,
        "quoted_first": 0.5,
        "document_cited": 0.5,
        "citation_precision": 1.0,
        "silent": 1.0,
        "wrongly_silent": 0.5,
    }


def test_every_text_has_a_recorded_vector(quality: dict[str, Any]) -> None:
    """Else hybrid search is not measured: see `recorded_vectors.py` for how to record the missing ones."""
    assert set(quality["retrievers"]) == {"bm25", "vectors", "hybrid"}


async def test_the_recording_knows_only_what_was_recorded() -> None:
    embedder = recorded_vectors.RecordedEmbedder()
    made = await embedder.embed([ROWS[0]["question"]])
    assert len(made.vectors[0]) == made.embedder.dimensions
    with pytest.raises(Exception, match="not recorded"):
        await embedder.embed(["never seen"])


def test_retrieval_is_good_enough(quality: dict[str, Any]) -> None:
    words, hybrid = (quality["retrievers"][name] for name in ("bm25", "hybrid"))
    for half in ("dev", "test"):
        assert words[half]["recall@5"] >= 0.87
        assert words[half]["ndcg@10"] >= 0.82
        assert hybrid[half]["recall@5"] >= 0.93
        assert hybrid[half]["recall@10"] >= 0.95
        for figures in (words[half], hybrid[half]):
            assert figures["refused"] >= 0.7
            assert figures["wrongly_refused"] <= 0.1
            assert figures["answers"]["quoted"] >= 0.65
            assert figures["answers"]["citation_precision"] >= 0.65
        assert hybrid[half]["wrongly_refused"] <= 0.04
    assert hybrid["test"]["recall@5_by_tag"]["paraphrase"] > words["test"]["recall@5_by_tag"]["paraphrase"]


def test_the_committed_figures_are_those_of_this_code(quality: dict[str, Any]) -> None:
    committed = json.loads((retrieval.RESULTS / "retrieval.json").read_text(encoding="utf-8"))
    assert retrieval.regressions(committed, quality) == []


def test_a_drop_is_reported_in_the_right_direction_and_a_small_one_is_not(quality: dict[str, Any]) -> None:
    def changed(figure: str, by: float, *, answers: bool = False) -> list[str]:
        worse = copy.deepcopy(quality)
        part = worse["retrievers"]["hybrid"]["test"]
        (part["answers"] if answers else part)[figure] += by
        return retrieval.regressions(quality, worse)

    assert changed("recall@5", -0.01) == changed("recall@5", 0.2) == []
    assert len(changed("recall@5", -0.03)) == 1
    assert "hybrid: recall@5 on the test half went from" in changed("recall@5", -0.03)[0]
    assert changed("wrongly_refused", -0.5) == []
    assert len(changed("wrongly_refused", 0.03)) == 1
    assert changed("refused", -0.1) != []
    assert changed("quoted", -0.1, answers=True) != []
    assert retrieval.regressions({}, quality) == []


def test_main_writes_once_then_leaves_alone_and_refuses_a_regression(quality: dict[str, Any], tmp_path: Path) -> None:
    now = copy.deepcopy(quality)
    target = tmp_path / "docs" / "retrieval.json"
    assert retrieval.main(results=target.parent, measure=lambda: copy.deepcopy(now)) == 0
    first = target.read_bytes()
    written = target.stat().st_mtime_ns
    assert retrieval.main(results=target.parent, measure=lambda: copy.deepcopy(now)) == 0
    assert target.stat().st_mtime_ns == written
    now["retrievers"]["bm25"]["test"]["recall@5"] -= 0.05
    assert retrieval.main(results=target.parent, measure=lambda: copy.deepcopy(now)) == 1
    assert target.read_bytes() == first
    assert retrieval.main(["--accept"], target.parent, measure=lambda: copy.deepcopy(now)) == 0
    assert target.read_bytes() != first
    assert "| bm25 | test |" in target.with_suffix(".md").read_text()


def test_rows_that_could_not_be_measured_are_kept(quality: dict[str, Any], tmp_path: Path) -> None:
    now = copy.deepcopy(quality)
    assert retrieval.main(results=tmp_path, measure=lambda: copy.deepcopy(now)) == 0
    del now["retrievers"]["hybrid"]
    assert retrieval.main(results=tmp_path, measure=lambda: copy.deepcopy(now)) == 0
    assert "hybrid" in json.loads((tmp_path / "retrieval.json").read_text())["retrievers"]
