"""Keys: what is the same question, and that different ones never meet."""

from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.key import answer_key, embedding_key, encode_fields, normalise, prompt_key
from service.cache.port import CacheKey


class Parts(TypedDict):
    """Everything an answer's key is made of."""

    tenant: str
    scope: str
    text: str
    corpus_version: int
    model: str
    digest: str
    template_hash: str
    policy: str
    top_k: int
    temperature: float
    max_tokens: int
    retrieval: str
    mode: str


PARTS: Parts = {
    "tenant": "default", "scope": "all", "text": "What is RSI?", "corpus_version": 7, "model": "llama3.2:3b",
    "digest": "d1", "template_hash": "t1", "policy": "scored", "top_k": 5, "temperature": 0.1, "max_tokens": 2000,
    "retrieval": "nomic-embed-text", "mode": "generated",
}  # fmt: skip
OTHERS: Parts = {
    "tenant": "other", "scope": "mine", "text": "What is MACD?", "corpus_version": 8, "model": "gpt-oss:20b",
    "digest": "d2", "template_hash": "t2", "policy": "seed", "top_k": 6, "temperature": 0.2, "max_tokens": 1999,
    "retrieval": "", "mode": "extractive",
}  # fmt: skip

# Half of them full of what the encoding itself is made of.
texts = st.text(alphabet=st.characters(), max_size=40) | st.text(alphabet=":;01a", max_size=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is X?", "what is  x?"),
        ("  What\tis\nX? ", "WHAT IS X?"),
        ("Größe ÄNDERN", "größe ändern"),
        ("ﬁnance", "finance"),
        ("\uff32\uff33\uff29", "rsi"),
        ("Straße", "STRAẞE"),
        ("e\u0301clair", "éclair"),
        ("10²", "10^2"),
    ],
)
def test_these_are_one_question(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("should I buy", "should I not buy"),
        ("is it safe", "isn't it safe"),
        ("10² shares", "102 shares"),
        ("CO₂", "CO2 2"),
        ("1½ per cent", "11/2 per cent"),
        ("1½ per cent", "11\u20442 per cent"),
        ("point 1②", "point 12"),
        ("over 20 days", "over 200 days"),
        ("1.5 lots", "15 lots"),
        ("-3 %", "3 %"),
        ("Maße", "Masse"),
        ("what is a stop", "what is a stop?"),
        ("what does `Close` mean", "what does `close` mean"),
        ("```\nif a:\n  b\nc\n```", "```\nif a:\n  b\n  c\n```"),
    ],
)
def test_these_are_different_questions(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(texts)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(alphabet="abcXYZ äöü", max_size=10), st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_are_kept(words: str, one: int, other: int) -> None:
    same = normalise(f"{words} {one} days") == normalise(f"{words} {other} days")
    assert same == (one == other)


@given(st.lists(st.sampled_from(["buy", "sell", "not", "never", "no", "without", "n't"]), max_size=6))
def test_negation_is_kept(words: list[str]) -> None:
    assert normalise("  ".join(words).upper()).split() == words


@given(st.lists(texts, max_size=5), st.lists(texts, max_size=5))
def test_two_tuples_never_have_one_encoding(one: list[str], other: list[str]) -> None:
    assert (encode_fields(tuple(one)) == encode_fields(tuple(other))) == (one == other)


@given(texts, texts, st.integers(0, 80))
def test_moving_the_border_between_two_fields_changes_the_encoding(first: str, second: str, cut: int) -> None:
    whole = first + second
    moved = (whole[:cut], whole[cut:])
    assert (encode_fields((first, second)) == encode_fields(moved)) == ((first, second) == moved)


def test_half_surrogates_are_kept_apart() -> None:
    keys = {embedding_key(model="m", digest="d", text=text).digest for text in ("\ud800", "\udfff", "?", "")}
    assert len(keys) == 4


@pytest.mark.parametrize("changed", list(OTHERS))
def test_every_part_changes_the_key(changed: str) -> None:
    other: Parts = {**PARTS, changed: OTHERS[changed]}  # type: ignore[misc]
    one, two = answer_key(**PARTS), answer_key(**other)
    assert one.digest != two.digest
    stays_in_the_family = changed in {"corpus_version", "digest"}
    assert (one.family == two.family) == stays_in_the_family


def test_the_same_parts_make_the_same_key_and_case_does_not_matter() -> None:
    shouted: Parts = {**PARTS, "text": "  WHAT is   rsi?"}
    assert answer_key(**PARTS) == answer_key(**shouted)
    zero: Parts = {**PARTS, "temperature": 0}
    minus: Parts = {**PARTS, "temperature": -0.0}
    assert answer_key(**zero) == answer_key(**minus)


def test_keys_hold_no_content() -> None:
    key = answer_key(**PARTS)
    assert [len(key.digest), len(key.family)] == [64, 64]
    assert set(key.digest + key.family) <= set("0123456789abcdef")


def prompt(**changes: object) -> CacheKey:
    parts: dict[str, object] = {
        "tenant": "t", "scope": "s", "messages": (("system", "be brief"), ("user", "hello")), "model": "m",
        "digest": "d", "temperature": 0.1, "max_tokens": 10,
    }  # fmt: skip
    return prompt_key(**(parts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant": "u"}, {"scope": "r"}, {"model": "n"}, {"digest": "e"}, {"temperature": 0.2}, {"max_tokens": 11},
        {"messages": (("system", "be brief"), ("user", "Hello"))},
        {"messages": (("system", "be brief"), ("user", "hello "))},
        {"messages": (("system", "be brief"), ("assistant", "hello"))},
        {"messages": (("system", "be brief"),)},
    ],
)  # fmt: skip
def test_a_prompt_is_taken_exactly(changes: dict[str, object]) -> None:
    assert prompt().digest != prompt(**changes).digest
    assert (prompt().family == prompt(**changes).family) == ("digest" in changes)


def test_an_embedding_belongs_to_model_digest_and_exact_text() -> None:
    one = embedding_key(model="m", digest="d", text="Hello")
    assert one == embedding_key(model="m", digest="d", text="Hello")
    assert one.family == embedding_key(model="m", digest="e", text="Hello").family
    others = [("n", "d", "Hello"), ("m", "e", "Hello"), ("m", "d", "hello")]
    assert all(one.digest != embedding_key(model=m, digest=d, text=t).digest for m, d, t in others)
