"""Figures and texts for a terminal."""

import pytest

from service.ask.types import Degradation
from service.cli.wording import DEGRADED, count, moment, part, plain, seconds, size, span_s


def test_every_degraded_mode_has_words() -> None:
    assert set(DEGRADED) == set(Degradation)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[2J\x1b]0;title\x07gone", "[2J]0;titlegone"),
        ("back\x08\x08\r over", "back over"),
        ("\x9b31mred", "31mred"),
        ("abc\u202edef\u2066\u200b", "abcdef"),
        ("größer 株", "größer 株"),
        (17, "17"),
    ],
)
def test_nothing_that_a_terminal_obeys_is_left(given: object, shown: str) -> None:
    assert plain(given) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"), (0, "0.00 ms"), (0.000123, "0.12 ms"), (0.00456, "4.6 ms"), (0.045, "45 ms"), (1.5, "1.50 s"),
        (12.34, "12.3 s"), (75, "1 min 15 s"), (7260, "2 h 1 min"),
    ],
)  # fmt: skip
def test_seconds(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 kiB"), (64 << 20, "64.0 MiB"), (5 << 29, "2.5 GiB")]
)
def test_sizes(value: int, shown: str) -> None:
    assert size(value) == shown


def test_moments_and_counts() -> None:
    assert moment(None) == "-"
    assert moment(1_700_000_000).startswith("2023-11-1")
    assert (count(1, "file"), count(0, "file"), count(1234, "file")) == ("1 file", "0 files", "1,234 files")


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("90d", 7776000), ("1.5 H", 5400)]
)
def test_spans(text: str, expected: float) -> None:
    assert span_s(text) == expected


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "0d", "1y", "1h30m", "nan s"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        span_s(text)


def test_stages_are_told_in_words() -> None:
    assert (part("retrieve"), part("cache_lookup")) == ("retrieve", "cache lookup")
    assert part("generate.prompt_eval\x1b") == "generate: prompt eval"
