"""Sentence spans: what is kept together, what is taken apart, and that no text can break the splitter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.corpus.sentences import _parts, guess_language, is_heading, split

# White space of several bytes and initials are what the library panics on; marks and fences are what blocks turn on.
HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("AJ.!? \n\t#-*|>`=\x85\u2028\u3000\xa0\u200b\u0301\u201c\u201d\u3002"),
    ),
    max_size=200,
)


def texts(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in split(text, language)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Use a stop, e.g. a trailing stop, at $12.50.",
        "Version v1.5 reads 3.14 as pi.",
        "It uses pandas.DataFrame and Node.js for this.",
        "Dr. Smith saw approx. 5 percent, i.e. a lot, vs. the U.S. market.",
        "See Fig. 3 and No. 6 in Sec. 4.2 for details.",
        "The fund (see p. 12) fell, cf. the table.",
    ],
)
def test_never_splits_inside_abbreviations_and_numbers(sentence: str) -> None:
    assert texts(f"{sentence} Then it went on.") == [sentence, "Then it went on."]


@pytest.mark.parametrize(
    "sentence",
    [
        "Der Kurs fiel am 3. Mai um 1,5 %, z. B. bei der Fa. Müller.",
        "Das gilt ca. 12 Tage, d. h. kurz, vgl. Abb. 3 und Nr. 5.",
        "Dr. Meier rechnet inkl. Gebühren bzw. Steuern.",
    ],
)
def test_german_abbreviations(sentence: str) -> None:
    assert texts(f"{sentence} Danach stieg er.", "de") == [sentence, "Danach stieg er."]


def test_ends_at_real_ends() -> None:
    text = 'The answer is no. Then go! Is it? He said "stop." Then he left.'
    assert texts(text) == ["The answer is no.", "Then go!", "Is it?", 'He said "stop."', "Then he left."]


def test_headings_items_rows_and_code_lines_are_their_own() -> None:
    text = (
        "# Head. Line\nProse over\ntwo lines. More.\n\nUnder\n=====\n- one. And so\n  on\n- two\n1. first\n2. second\n"
        "| a. B | c |\n|---|---|\n```\nx = 1. Y\n\nz\n```\nEnd."
    )
    assert texts(text) == [
        "# Head. Line",
        "Prose over\ntwo lines.",
        "More.",
        "Under\n=====",
        "- one.",
        "And so\n  on",
        "- two",
        "1. first",
        "2. second",
        "| a. B | c |",
        "|---|---|",
        "```",
        "x = 1. Y",
        "z",
        "```",
        "End.",
    ]


def test_a_wrapped_number_does_not_start_a_list() -> None:
    assert texts("Der Kurs fiel am\n3. Mai stark. Danach nicht.", "de")[0] == "Der Kurs fiel am\n3. Mai stark."


def test_what_a_heading_is() -> None:
    assert is_heading("## Risk") and is_heading("Risk\n----")
    assert not is_heading("#hashtag") and not is_heading("- item\nmore") and not is_heading("Risk")


def test_language_is_guessed_from_function_words() -> None:
    assert guess_language("Der Trend ist nicht mit dem Momentum zu verwechseln.") == "de"
    assert guess_language("The trend is not to be confused with momentum.") == "en"
    assert guess_language("12 34") == "en"


def test_long_lines_are_split_as_well_as_short_ones() -> None:
    sentence = "The moving average lags by half of its window, e.g. ten days."
    assert texts(" ".join([sentence] * 500)) == [sentence] * 500


def test_the_library_panics_on_this_and_only_the_piece_suffers() -> None:
    # The panic is real: should a later version be without it, this guard may go.
    assert _parts("A\u2028.", "en") == ["A\u2028."]
    assert texts("A\u2028. And so on.")


@settings(max_examples=300, deadline=None)
@given(HOSTILE, st.sampled_from(["en", "de"]))
def test_spans_are_ordered_trimmed_and_cover_every_visible_character(text: str, language: str) -> None:
    position = 0
    for start, end in split(text, language):
        assert start >= position and end > start
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()
