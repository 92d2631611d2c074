"""What is told while something long is done."""

import io

from rich.console import Console

from ops.checkpoint.screen import Screen
from tests.fakes.clock import ManualClock


def test_a_step_is_told_before_it_is_done_and_measured() -> None:
    said, clock = io.StringIO(), ManualClock()
    screen = Screen(Console(file=said, width=100), clock)
    with screen.step("copy", "copying"):
        assert said.getvalue() == "copying ...\n"
        clock.advance(1.5)
    assert said.getvalue() == "copying ...\n  1.50 s\n"
    assert screen.durations == {"copy": 1.5}


def test_where_nobody_watches_a_bar_is_one_line() -> None:
    said = io.StringIO()
    with Screen(Console(file=said, width=100), ManualClock()).bar("copied", 4096) as on_bytes:
        on_bytes(1024)
        on_bytes(3072)
    assert said.getvalue() == "  copied: 4.0 kiB\n"


def test_on_a_terminal_it_shows_how_far_it_is() -> None:
    said = io.StringIO()
    screen = Screen(Console(file=said, width=100, force_terminal=True), ManualClock())
    with screen.bar("copied", 4096) as on_bytes:
        on_bytes(4096)
    assert "4.1/4.1 kB" in said.getvalue() or "4.0/4.0 KiB" in said.getvalue()


class GoneTerminal(io.StringIO):
    """As one whose window was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    screen = Screen(Console(file=GoneTerminal(), width=100), ManualClock())
    with screen.step("copy", "copying"):
        screen.say("on")
    assert "copy" in screen.durations


def test_names_of_others_cannot_steer_the_terminal() -> None:
    said = io.StringIO()
    Screen(Console(file=said, width=100), ManualClock()).say("a\x1b[2Jb")
    assert said.getvalue() == "a[2Jb\n"
