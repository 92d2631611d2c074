"""Cache keys: everything an answer depends on, as one BLAKE2b digest.

Because the corpus version and the model's digest are part of a key, nothing is ever invalidated by a call: a changed
world asks for another key. Tenant and scope are parts too, so no hit crosses them. Fields are length-prefixed, so that
two different tuples never have the same encoding. Making one key takes a few microseconds.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from service.cache.port import CacheKey

# Raise it when the meaning of a key or the form of a stored value changes: everything older is then simply not found.
SCHEMA = "1"

_DIGEST_BYTES = 32
_MARKS = {"<super>": "^", "<sub>": "_"}


def _number_marks() -> dict[int, str]:
    """NFKC turns "10²" into "102" and one and a half into "11/2". A mark before such characters keeps them apart."""
    marks: dict[int, str] = {}
    for code in range(0x80, 0x3400):
        character = chr(code)
        if unicodedata.category(character) == "No":
            kind = unicodedata.decomposition(character).partition(" ")[0]
            marks[code] = _MARKS.get(kind, " ") + character
    return marks


_NUMBER_MARKS = _number_marks()
_SHARP_S = re.compile("([ßẞ])")


def normalise(text: str) -> str:
    """One form for questions that differ in case and white space only. Applying it twice changes nothing more.

    NFKC, then case folded, then white space collapsed. Words, negation, numbers and punctuation stay. "ß" stays too,
    because "Maße" and "Masse" are different words. A text with a back tick holds code, in which case and white space
    have a meaning: it is only stripped.
    """
    if "`" in text:
        return text.strip()
    if text.isascii():
        return " ".join(text.lower().split())
    folded = _fold(unicodedata.normalize("NFKC", text.translate(_NUMBER_MARKS)))
    # Folding can undo the composition, so it is composed again.
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _fold(text: str) -> str:
    if "ß" not in text and "ẞ" not in text:
        return text.casefold()
    return "".join("ß" if part in {"ß", "ẞ"} else part.casefold() for part in _SHARP_S.split(text))


def answer_key(
    *,
    tenant: str,
    scope: str,
    text: str,
    corpus_version: int,
    model: str,
    digest: str,
    template_hash: str,
    policy: str,
    top_k: int,
    temperature: float,
    max_tokens: int,
    retrieval: str,
    mode: str,
) -> CacheKey:
    """Key of a whole answer. `text` is the question as asked; `retrieval` names what finds passages (the embedder)."""
    stable = (
        "answer", tenant, scope, normalise(text), model, template_hash, policy, str(top_k), _number(temperature),
        str(max_tokens), retrieval, mode,
    )  # fmt: skip
    return _key(stable, (str(corpus_version), digest))


def prompt_key(
    *,
    tenant: str,
    scope: str,
    messages: Iterable[tuple[str, str]],
    model: str,
    digest: str,
    temperature: float,
    max_tokens: int,
) -> CacheKey:
    """Key of a model's reply to exactly these (role, content) messages: not normalised, since the model reads them."""
    said = [part for message in messages for part in message]
    stable = ("prompt", tenant, scope, model, _number(temperature), str(max_tokens), *said)
    return _key(stable, (digest,))


def embedding_key(*, model: str, digest: str, text: str) -> CacheKey:
    """Key of a text's vector. No tenant: a vector is a function of model and text alone."""
    return _key(("embedding", model, text), (digest,))


def _number(value: float) -> str:
    # 0, 0.0 and -0.0 are one temperature.
    return repr(float(value) + 0.0)


def _key(stable: tuple[str, ...], changing: tuple[str, ...]) -> CacheKey:
    state = hashlib.blake2b(encode_fields((SCHEMA, *stable)), digest_size=_DIGEST_BYTES)
    family = state.hexdigest()
    state.update(encode_fields(changing))
    return CacheKey(state.hexdigest(), family)


def encode_fields(fields: tuple[str, ...]) -> bytes:
    """The number of fields, then each one after its length in characters. Half surrogates are kept, not refused."""
    parts = [f"{len(fields)};"]
    parts.extend(f"{len(field)}:{field}" for field in fields)
    return "".join(parts).encode("utf-8", "surrogatepass")
