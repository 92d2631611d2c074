"""Vectors of a real embedding model, recorded once and replayed, so that hybrid search is measured on every machine.

`vectors.npz` holds a hash of each text (questions and chunks) and its vector in one signed byte per dimension. When
documents or chunking change, new texts are missing: record them again with

    python -m tests.eval.recorded_vectors FOLDER_OF_THE_MODEL
"""

import asyncio
import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.embedding.null import NullEmbedder
from service.embedding.port import Embedded, EmbedderId, Purpose
from service.errors import Dependency, DependencyUnavailable
from tests.eval.retrieval_measures import load_questions
from tests.eval.sample_corpus import sample_corpus
from tests.eval.sentence_model import DIMENSIONS, MODEL, SentenceModel

RECORDING = Path(__file__).with_name("vectors.npz")
_SCALE = 127.0


class RecordedEmbedder:
    """Implements `Embedder` from the recording. A text that was not recorded makes it an embedder that is away."""

    def __init__(self, path: Path = RECORDING) -> None:
        with np.load(path) as stored:
            keys, rows = stored["keys"], stored["vectors"].astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        self._vectors = {int(key): tuple(map(float, row)) for key, row in zip(keys, rows, strict=True)}
        self._id = EmbedderId(MODEL, hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest(), DIMENSIONS)

    @property
    def model(self) -> str:
        return MODEL

    async def identify(self) -> EmbedderId | None:
        return self._id

    async def embed(self, texts: Sequence[str], *, purpose: Purpose = Purpose.QUERY) -> Embedded:
        try:
            return Embedded(tuple(self._vectors[key_of(text)] for text in texts), self._id)
        except KeyError as error:
            raise DependencyUnavailable(
                Dependency.OLLAMA, "a text was not recorded; record the vectors again"
            ) from error


def key_of(text: str) -> int:
    """Half of 64 bits of hash would do for a few hundred texts."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


async def record(folder: Path, path: Path = RECORDING) -> int:
    """Embed every question and chunk with the model in `folder`; how many texts."""
    with tempfile.TemporaryDirectory() as temporary:
        async with sample_corpus(Path(temporary), NullEmbedder()) as sample:
            texts = [question.text for question in load_questions(sample.texts)]
            for document in sample.corpus.documents():
                texts += chunk_texts(sample.texts[document.source])
    unique = list(dict.fromkeys(texts))
    vectors = SentenceModel(folder).vectors(unique)
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    np.savez_compressed(
        path,
        keys=np.array([key_of(text) for text in unique], dtype=np.uint64),
        vectors=np.round(vectors / largest * _SCALE).astype(np.int8),
    )
    return len(unique)


def chunk_texts(text: str) -> list[str]:
    """What the corpus embeds of a document."""
    from service.corpus.chunking import chunk
    from service.settings import Ingestion

    return [text[span.start : span.end] for span in chunk(text, target_chars=Ingestion().chunk_chars)]


if __name__ == "__main__":
    print(f"recorded {asyncio.run(record(Path(sys.argv[1])))} texts into {RECORDING}")
