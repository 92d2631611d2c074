import pytest

from service.routing.features import extract

CODE = [
    "```\nx\n```",
    "Traceback (most recent call last):\n  File 'a.py'",
    "What does def rsi(prices): return? It fails",
    "my loop df.groupby('day').last() is slow",
    "parse_tick() returns None",
    "why a ZeroDivisionError here",
    "NullPointerException at start",
    "x = [1, 2]",
    "if a == b then",
    "the filter a != b drops rows",
    "`for (;;)` never ends",
    "select day, sum(volume) from ticks group by day",
    "Write a Python function for the RSI",
    "Schreibe eine Python-Funktion für den RSI",
    "SQL query for volume",
    "a C++ class for ticks",
    "Build an order book in Go",
    "Regex for contract codes",
    "please print(x) for me",
]
PROSE = [
    "",
    "What is momentum trading?",
    "What does def mean in Python?",
    "Is Python a language?",
    "Which file extension do Python scripts use?",
    "RSI(14) and SMA(20) crossed",
    "position(s) in contract(s)",
    "Select a broker from the list",
    "I wrote `RSI` above 70",
    "==========",
    "error bars on a chart",
    "acts of terror and markets",
    "with the exception of gold",
    "gain = 5 points",
    "stops go in first, then the class of 2008",
    "the dress code on the trading floor",
    "University of Pinewood",
]


@pytest.mark.parametrize("text", CODE)
def test_code_is_seen(text: str) -> None:
    assert extract(text).code


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_not_taken_for_code(text: str) -> None:
    assert not extract(text).code


@pytest.mark.parametrize("text", CODE + PROSE)
def test_case_does_not_change_the_kind(text: str) -> None:
    assert extract(text.upper()).code == extract(text).code == extract(text.lower()).code
