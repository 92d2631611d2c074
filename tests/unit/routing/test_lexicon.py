import pytest

from service.routing import lexicon
from service.routing.lexicon import Cues, word_set

ALL = {name: value for name, value in vars(lexicon).items() if isinstance(value, Cues)}


def test_there_are_cues() -> None:
    assert {"DEFINITION", "FACT", "EXPLANATION", "ANALYSIS", "COMPLETENESS", "WORK"} == set(ALL)


@pytest.mark.parametrize("cues", ALL.values(), ids=ALL)
def test_every_cue_is_written_as_text_is_folded_and_can_be_found(cues: Cues) -> None:
    for cue in (*cues.words, *cues.phrases):
        assert cue == cue.casefold()
        assert all(word.isalnum() for word in cue.split())
        assert cue in cues.found(f" so {cue} then ", frozenset(["so", *cue.split(), "then"]))


@pytest.mark.parametrize("cues", ALL.values(), ids=ALL)
def test_words_are_single_and_phrases_are_not(cues: Cues) -> None:
    assert all(" " not in word for word in cues.words)
    assert all(" " in phrase for phrase in cues.phrases)
    assert len(set(cues.phrases)) == len(cues.phrases)


def test_a_phrase_matches_whole_words_only() -> None:
    assert lexicon.ANALYSIS.found(" showhat ift ", frozenset(["showhat", "ift"])) == []


def test_german_adjectives_have_their_endings() -> None:
    assert {"umfassend", "umfassende", "umfassendes", "umfassendem"} <= lexicon.COMPLETENESS.words


def test_word_set() -> None:
    assert word_set(" a  b a ") == {"a", "b"}
