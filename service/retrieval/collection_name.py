"""Names of vector collections. Pure.

A name holds the corpus, the embedding model and its dimensions, and a hash of everything, so that vectors of two
models, or of two builds of one model, never meet in one collection. Chroma takes 3 to 512 of [A-Za-z0-9._-].
"""

import hashlib
import re

from service.embedding.port import EmbedderId

_FOREIGN = re.compile(r"[^a-z0-9-]+")
_LONGEST_PART = 60


def collection_name(corpus: str, embedder: EmbedderId) -> str:
    """`default.nomic-embed-text.768.0a1b2c3d4e5f6071`: readable, and the same for the same embedder only."""
    identity = "\n".join((corpus, embedder.model, embedder.digest, str(embedder.dimensions)))
    digest = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    return f"{corpus_prefix(corpus)}{_plain(embedder.model)}.{embedder.dimensions}.{digest}"


def corpus_prefix(corpus: str) -> str:
    """What the names of this corpus's collections begin with, and those of no other corpus."""
    plain = _plain(corpus)
    if plain != corpus:
        # "Team A" and "team-a" are two corpora.
        plain = f"{plain}-{hashlib.blake2b(corpus.encode(), digest_size=4).hexdigest()}"
    return f"{plain}."


def _plain(text: str) -> str:
    return _FOREIGN.sub("-", text.casefold()).strip("-")[:_LONGEST_PART] or "x"
