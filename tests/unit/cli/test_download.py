"""Progress of a download: layers added up, resumed ones not counted as speed, lines where there is no terminal."""

import asyncio
import io
from collections.abc import Iterable

import pytest
from rich.console import Console

from service.cli.download import LINE_EVERY_S, Layers, shown
from service.cli.model_store import open_model_store
from service.routing.ollama import PullProgress
from tests.fakes.clock import ManualClock
from tests.fakes.ollama_server import FakeOllama
from tests.unit.cli.conftest import Shell

GIB = 1 << 30
MIB = 1 << 20


def weights(completed: int, total: int = 4 * GIB) -> PullProgress:
    return PullProgress("pulling 1a2b3c", completed, total, "sha256:1a2b3c")


def licence(completed: int, total: int = 8 << 10) -> PullProgress:
    return PullProgress("pulling 4d5e6f", completed, total, "sha256:4d5e6f")


def lines(steps: Iterable[PullProgress], *, step_s: float = 1.0) -> list[str]:
    """What is told without a terminal, one step each `step_s`."""
    text, clock = io.StringIO(), ManualClock()
    with shown("m:1b", Console(file=text, width=40), clock) as advance:
        for step in steps:
            advance(step)
            clock.advance(step_s)
    return text.getvalue().splitlines()


def test_layers_add_up_and_what_was_there_is_not_fetched() -> None:
    layers = Layers()
    assert not layers.note(weights(0))
    assert layers.note(weights(GIB))  # kept by an earlier attempt
    assert not layers.note(weights(3 * GIB))
    assert layers.note(licence(8 << 10))  # another model has it too
    assert layers.total_bytes == 4 * GIB + (8 << 10)
    assert layers.completed_bytes == 3 * GIB + (8 << 10)
    assert layers.fetched_bytes == 2 * GIB


def test_without_a_terminal_a_line_every_few_seconds_says_how_far_how_fast_and_how_long() -> None:
    steps = [PullProgress("pulling manifest"), *(weights(done * 64 * MIB) for done in range(65))]
    told = lines([*steps, PullProgress("verifying sha256 digest"), PullProgress("success")])
    assert told[0] == "m:1b: pulling manifest"
    assert told[-1] == "m:1b: verifying sha256 digest"
    assert len(told[1:-1]) == 64 // LINE_EVERY_S
    assert told[2] == "m:1b: 16 %, 640.0 MiB of 4.0 GiB, 64.0 MiB/s, 54.0 s left"
    assert all(" %, " in line and "64.0 MiB/s" in line for line in told[2:-1])


def test_a_resumed_download_says_from_where_and_shows_no_leap_as_speed() -> None:
    told = lines([weights(0), weights(3 * GIB), *(weights(3 * GIB + done * MIB) for done in range(1, 12))])
    assert told[0] == "m:1b: goes on from 3.0 GiB of 4.0 GiB"
    assert told[1].startswith("m:1b: 75 %, 3.0 GiB of 4.0 GiB, ")
    assert all("MiB/s" in line or "kiB/s" in line for line in told[1:])


def test_a_download_that_stands_still_says_so() -> None:
    told = lines([weights(GIB), *(weights(GIB) for _ in range(6))])
    assert told[-1] == "m:1b: 25 %, 1.0 GiB of 4.0 GiB, 0 B/s"


def test_a_layer_that_is_there_already_is_no_news() -> None:
    assert lines([licence(8 << 10), weights(1)]) == []


def test_what_a_server_says_cannot_drive_the_terminal() -> None:
    assert lines([PullProgress("pulling \x1b[2Jmanifest")]) == ["m:1b: pulling [2Jmanifest"]


def test_a_terminal_gets_a_bar_that_leaves_nothing_behind() -> None:
    text = io.StringIO()
    console = Console(file=text, width=100, force_terminal=True)
    with shown("m:1b", console, ManualClock()) as advance:
        for step in (PullProgress("pulling manifest"), weights(GIB), weights(2 * GIB), licence(1), licence(8 << 10)):
            advance(step)
    assert "m:1b" in text.getvalue()
    assert "2.1/4.3 GB" in text.getvalue()
    assert not text.getvalue().endswith("GB")


def test_being_stopped_says_that_nothing_is_lost() -> None:
    text = io.StringIO()
    with pytest.raises(asyncio.CancelledError), shown("m:1b", Console(file=text), ManualClock()) as advance:
        advance(weights(1))
        advance(weights(GIB))
        raise asyncio.CancelledError
    assert text.getvalue() == "m:1b: stopped at 1.0 GiB of 4.0 GiB; the next pull goes on from there\n"


class Passing(ManualClock):
    """Each look at it takes two seconds."""

    def monotonic(self) -> float:
        self.advance(2.0)
        return super().monotonic()


def test_the_command_tells_what_a_server_sends(shell: Shell) -> None:
    with FakeOllama().in_thread() as ollama:
        ollama.pull_steps[1:1] = [
            {"status": "pulling abc", "digest": "sha256:abc", "total": 2000, "completed": done * 200}
            for done in range(11)
        ]
        shell.changes["ollama"] = {"url": ollama.url}
        shell.store.open = open_model_store  # type: ignore[method-assign,assignment]
        shell.clock = Passing()
        told = shell("models", "pull", "nomic-embed-text")
    assert (told.exit_code, told.stdout) == (0, "nomic-embed-text is installed.\n")
    assert "nomic-embed-text: pulling manifest" in told.stderr
    assert " %, " in told.stderr and "/s" in told.stderr
