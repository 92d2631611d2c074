"""Keys without Enter, at a terminal of our own."""

import os
import pty
import sys
import termios
from collections.abc import Iterator
from contextlib import closing

import pytest

from service.cli.keyboard import keyboard


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """The end that types, and the end that is standard input."""
    types, reads = pty.openpty()
    with closing(os.fdopen(reads, "r")) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield types, reads
    os.close(types)


def test_a_key_comes_at_once_and_the_terminal_is_given_back(terminal: tuple[int, int]) -> None:
    types, reads = terminal
    before = termios.tcgetattr(reads)
    with keyboard() as pressed:
        assert pressed(0) == ""
        os.write(types, b"q")
        assert pressed(10) == "q"
    assert termios.tcgetattr(reads) == before


def test_the_terminal_is_given_back_after_a_failure_too(terminal: tuple[int, int]) -> None:
    _, reads = terminal
    before = termios.tcgetattr(reads)
    with pytest.raises(ValueError, match="broken"), keyboard():
        raise ValueError("broken")
    assert termios.tcgetattr(reads) == before


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nobody:  # noqa: PTH123 # a file without a path of its own
        monkeypatch.setattr(sys, "stdin", nobody)
        with keyboard() as pressed:
            assert pressed(0.001) == ""
