"""Progress: not too often, always with the time, and readable both in a log and on a terminal."""

import io

import pytest

from ops.setup.progress import EVERY_S, Progress, clock_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (61, "1:01"), (754, "12:34")])
def test_times_are_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


def test_a_log_gets_a_line_now_and_then() -> None:
    out, time = io.StringIO(), Time()
    progress = Progress("ollama", out, time)
    for _ in range(int(EVERY_S) * 2):
        time.now_s += 1
        progress.show("compiling")
    progress.end("ready")
    assert out.getvalue().splitlines() == [
        "ollama: compiling, 0:15",
        "ollama: compiling, 0:30",
        "ollama: ready after 0:30",
    ]


def test_a_terminal_line_is_renewed_in_place() -> None:
    out, time = Terminal(), Time()
    progress = Progress("ollama", out, time)
    for _ in range(2):
        time.now_s += 1
        progress.show("compiling")
    progress.end("ready")
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().split("\r\x1b[K") == [
        "",
        "ollama: compiling, 0:01",
        "ollama: compiling, 0:02",
        "ollama: ready after 0:02\n",
    ]
