"""Names of collections: legal, readable, and never shared by two embedders or two corpora."""

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from service.embedding.port import EmbedderId
from service.retrieval.collection_name import collection_name, corpus_prefix

LEGAL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")
NOMIC = EmbedderId("nomic-embed-text", "sha256:0a109f422b47", 768)


def test_it_can_be_read() -> None:
    assert re.fullmatch(r"default\.nomic-embed-text\.768\.[0-9a-f]{16}", collection_name("default", NOMIC))


def test_the_same_embedder_has_the_same_name_in_every_process() -> None:
    assert collection_name("default", NOMIC) == "default.nomic-embed-text.768.db59c4969a7208e2"


def test_every_part_counts() -> None:
    names = [
        collection_name(corpus, embedder)
        for corpus, embedder in (
            ("default", NOMIC),
            ("team", NOMIC),
            ("default", EmbedderId("nomic-embed-text:latest", NOMIC.digest, 768)),
            ("default", EmbedderId("nomic-embed-text", "sha256:other", 768)),
            ("default", EmbedderId("nomic-embed-text", NOMIC.digest, 512)),
            ("default", EmbedderId("Nomic/Embed/Text", NOMIC.digest, 768)),
            ("Default", NOMIC),
        )
    ]
    assert len(set(names)) == len(names)


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=80), st.integers(1, 10_000))
def test_any_name_is_legal_and_begins_with_its_corpus(corpus: str, model: str, digest: str, dimensions: int) -> None:
    name = collection_name(corpus, EmbedderId(model, digest, dimensions))
    assert LEGAL.fullmatch(name)
    assert name.startswith(corpus_prefix(corpus))


def test_no_prefix_begins_another() -> None:
    corpora = ("a", "a-b", "ab", "a.b", "A", "a b", "", "default", "default-2", "x" * 90, "x" * 91)
    for one, other in combinations(map(corpus_prefix, corpora), 2):
        assert not one.startswith(other)
        assert not other.startswith(one)
