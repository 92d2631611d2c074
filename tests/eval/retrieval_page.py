"""The Markdown page of the retrieval evaluation. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.eval.retrieval_measures import SPLITS

_RANKING = ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
_ANSWERS = ("quoted", "quoted_first", "document_cited", "citation_precision", "silent", "wrongly_silent")


def render(quality: Mapping[str, Any]) -> str:
    """Tables per retriever and half, with what the columns mean."""
    lines = [
        "# Retrieval: what is found, and when nothing is",
        "",
        "Written by `python -m tests.eval.retrieval`; do not edit.",
        "",
        f"{quality['questions']} questions (`tests/eval/questions.jsonl`) on {quality['documents']} sample documents "
        f"in {quality['chunks']} chunks; {quality['unanswerable']} of them have no answer there. Even ids are the dev "
        "half, on which constants and floor were chosen, odd ones the test half. A hit covers at least half of a gold "
        "quote. "
        "Questions and documents have the same authors, so other collections will score lower: compare the rows, not "
        "the numbers with other projects.",
        "",
        f"`bm25` is what answers without an embedder. `vectors` and `hybrid` use {quality['embedder']} (384 "
        "dimensions, int8, English), replayed from a recording; the default embedder of the service is larger. "
        "`vectors` alone is shown for comparison and is never used alone.",
        "",
        "## Ranking, without a floor",
        "",
        "recall at 1 and 5 with the default `top_k`, the rest to depth 10.",
        "",
        *_table(quality, _RANKING, lambda figures: figures),
        "",
        "## Floor",
        "",
        f"`RAG_RETRIEVAL__FLOOR` = {quality['floor']}. `refused`: unanswerable questions for which nothing is "
        "returned, so that no model is asked; `wrongly_refused`: answerable ones. Most unanswerable questions are "
        "about the same field and share words with the documents; a model is told to say so itself when they pass.",
        "",
        *_table(quality, ("refused", "wrongly_refused"), lambda figures: figures),
        "",
        "## Answers quoted without a model",
        "",
        "`quoted`: a gold sentence is among the two to four quoted; `citation_precision`: the citation holds a gold "
        "quote or stands in its passage; `silent`: unanswerable questions without a quotation; `wrongly_silent`: "
        "answerable ones.",
        "",
        *_table(quality, _ANSWERS, lambda figures: figures.get("answers", {})),
        "",
        "## recall@5 by kind of question, test half",
        "",
        *_tags(quality),
    ]
    return "\n".join(lines) + "\n"


def _table(quality: Mapping[str, Any], columns: Sequence[str], part: Any) -> list[str]:
    lines = [f"| retriever | half | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for name, retriever in quality["retrievers"].items():
        for split in SPLITS:
            figures = part(retriever[split])
            if columns[0] in figures:
                lines.append(f"| {name} | {split} | {' | '.join(f'{figures[column]:.3f}' for column in columns)} |")
    return lines


def _tags(quality: Mapping[str, Any]) -> list[str]:
    retrievers = quality["retrievers"]
    by_retriever = [figures["test"]["recall@5_by_tag"] for figures in retrievers.values()]
    return [
        f"| kind | {' | '.join(retrievers)} |",
        "|---" * (len(retrievers) + 1) + "|",
        *(f"| {tag} | {' | '.join(f'{shares[tag]:.3f}' for shares in by_retriever)} |" for tag in by_retriever[0]),
    ]
