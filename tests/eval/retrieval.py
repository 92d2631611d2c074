"""Evaluation of retrieval on the sample documents: `python -m tests.eval.retrieval [--accept]`.

Ingests `documents/` with the real loaders, chunking and SQLite, and asks the questions with gold quotes of
`questions.jsonl`. Vectors are replayed from a recording of a real model (`recorded_vectors.py`), so that hybrid search
is measured without one; where texts are missing from it, only the rows without vectors are measured, and the rest is
kept as committed.

Prints the tables, and writes `docs/evaluation/retrieval.json` and `.md` when quality figures differ from those
committed. Exit code 1, and nothing written, when a figure got worse by more than is tolerated; `--accept` writes all
the same.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from service.clock import SystemClock
from service.retrieval.hybrid import HybridRetriever
from service.retrieval.port import KeywordIndex, Match, Passage, Retrieved
from service.settings import Retrieval
from tests.eval import retrieval_measures as measures
from tests.eval.answers import answer_figures
from tests.eval.recorded_vectors import RecordedEmbedder
from tests.eval.retrieval_measures import DEPTH, SPLITS, Question
from tests.eval.retrieval_page import render
from tests.eval.sample_corpus import SampleCorpus, sample_corpus

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "evaluation"
# One question of a half is about 0.012 of its recall, and four times that of its refusals.
TOLERATED = {
    "recall@5": 0.02,
    "recall@10": 0.02,
    "mrr": 0.02,
    "ndcg@10": 0.02,
    "refused": 0.08,
    "wrongly_refused": 0.025,
}
TOLERATED_ANSWERS = {"quoted": 0.025, "citation_precision": 0.02, "silent": 0.08, "wrongly_silent": 0.025}
LESS_IS_BETTER = frozenset({"wrongly_refused", "wrongly_silent"})


class NoWords:
    """Implements `KeywordIndex`: finds nothing by words, so that vectors stand alone."""

    def __init__(self, inner: KeywordIndex) -> None:
        self._inner = inner

    async def search(self, text: str, limit: int) -> tuple[Match, ...]:
        return ()

    async def passages(self, matches: Sequence[Match]) -> tuple[Passage, ...]:
        return await self._inner.passages(matches)


async def evaluate(*, vectors: bool = True) -> dict[str, Any]:
    """Quality figures of each retriever on both halves; the same on every machine."""
    embedder = RecordedEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        async with sample_corpus(Path(folder), embedder) as sample:
            questions = measures.load_questions(sample.texts)
            state = sample.corpus.state()
            quality: dict[str, Any] = {
                "questions": len(questions),
                "unanswerable": sum(not question.answerable for question in questions),
                "documents": state.documents,
                "chunks": state.chunks,
                "floor": Retrieval().floor,
                "embedder": embedder.model,
                "retrievers": {"bm25": await _measure(sample, sample.keywords, questions, {})},
            }
            if vectors and state.embedder is not None:
                asked = [question.text for question in questions]
                known = dict(zip(asked, (await embedder.embed(asked)).vectors, strict=True))
                quality["retrievers"]["vectors"] = await _measure(sample, NoWords(sample.keywords), questions, known)
                quality["retrievers"]["hybrid"] = await _measure(sample, sample.keywords, questions, known)
    return quality


async def _measure(
    sample: SampleCorpus,
    keywords: KeywordIndex,
    questions: Sequence[Question],
    vectors: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    # Patience beyond any stall of a busy machine: a slow search would otherwise look like a bad one.
    retriever = HybridRetriever(
        keywords, sample.vectors, lambda: sample.corpus.active_embedder, SystemClock(), floor=0.0, patience_s=60.0
    )
    figures: dict[str, Any] = {}
    for split in SPLITS:
        half = [question for question in questions if question.split == split]
        deep = [(one, await _ask(retriever, one, vectors, DEPTH)) for one in half if one.answerable]
        usual = [(one, await _ask(retriever, one, vectors, Retrieval().top_k)) for one in half]
        served = [(one, _above_floor(found)) for one, found in usual]
        figures[split] = {
            **_ranking_figures(deep, [(one, found) for one, found in usual if one.answerable]),
            "refused": measures.mean(not passages for one, passages in served if not one.answerable),
            "wrongly_refused": measures.mean(not passages for one, passages in served if one.answerable),
            "answers": answer_figures(served),
        }
    return figures


def _above_floor(found: Retrieved) -> tuple[Passage, ...]:
    """What the service would return: the retriever above has no floor, so that one search serves both tables."""
    return found.passages if found.best_score is not None and found.best_score >= Retrieval().floor else ()


async def _ask(
    retriever: HybridRetriever, question: Question, vectors: Mapping[str, Sequence[float]], top_k: int
) -> Retrieved:
    return await retriever.retrieve(question.text, vectors.get(question.text), top_k)


def _ranking_figures(
    deep: Sequence[tuple[Question, Retrieved]], usual: Sequence[tuple[Question, Retrieved]]
) -> dict[str, Any]:
    """Recall at 1 and 5 as served by default, the rest at depth 10; no floor."""
    top_five = {question.id: found.passages for question, found in usual}
    return {
        "recall@1": measures.mean(measures.recall(found.passages, question, 1) for question, found in usual),
        "recall@5": measures.mean(measures.recall(found.passages, question, 5) for question, found in usual),
        "recall@10": measures.mean(measures.recall(found.passages, question, 10) for question, found in deep),
        "mrr": measures.mean(measures.reciprocal_rank(found.passages, question) for question, found in deep),
        "ndcg@10": measures.mean(measures.ndcg(found.passages, question) for question, found in deep),
        "recall@5_by_tag": measures.by_tag(
            [question for question, _ in usual], lambda question: measures.recall(top_five[question.id], question, 5)
        ),
    }


def regressions(committed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What got worse on the test half by more than is tolerated, in words."""
    worse = []
    for name, retriever in committed.get("retrievers", {}).items():
        before, after = retriever["test"], now["retrievers"].get(name, retriever)["test"]
        worse += _worse(name, before, after, TOLERATED)
        worse += _worse(f"{name}, answers", before.get("answers", {}), after.get("answers", {}), TOLERATED_ANSWERS)
    return worse


def _worse(
    name: str, before: Mapping[str, float], after: Mapping[str, float], tolerated: Mapping[str, float]
) -> list[str]:
    lines = []
    for figure, tolerance in tolerated.items():
        if figure in before and figure in after:
            loss = before[figure] - after[figure]
            if (-loss if figure in LESS_IS_BETTER else loss) > tolerance:
                lines.append(f"{name}: {figure} on the test half went from {before[figure]:.3f} to {after[figure]:.3f}")
    return lines


def main(
    arguments: Sequence[str] = (), results: Path = RESULTS, measure: Callable[[], dict[str, Any]] | None = None
) -> int:
    """Measure, print, compare, write. The exit code."""
    began = time.monotonic()
    quality = measure() if measure else asyncio.run(evaluate())
    target = results / "retrieval.json"
    committed = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    for name in committed.get("retrievers", {}):
        if name not in quality["retrievers"]:
            print(
                f"NOT MEASURED {name}: texts are missing from the recorded vectors (see tests/eval/recorded_vectors.py)"
            )
            quality["retrievers"][name] = committed["retrievers"][name]
    page = render(quality)
    print(page)
    print(f"measured in {time.monotonic() - began:.1f} s")
    worse = regressions(committed, quality)
    for line in worse:
        print(f"REGRESSION {line}")
    if worse and "--accept" not in arguments:
        return 1
    if committed != quality:
        results.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(quality, indent=1) + "\n", encoding="utf-8")
        target.with_suffix(".md").write_text(page, encoding="utf-8")
        print(f"wrote {target} and its .md")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
