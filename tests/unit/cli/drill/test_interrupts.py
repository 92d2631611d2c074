"""Signals during a drill."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.cli.drill.interrupts import Interrupts

SAID = "mending what was broken; this takes a moment"


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@contextmanager
def fault(log: list[str], *while_mending: signal.Signals) -> Iterator[str]:
    """Signals come while it is being mended."""
    try:
        yield "broken"
    finally:
        for number in while_mending:
            send(number)
        log.append("mended")


def test_the_first_signal_interrupts_and_what_is_broken_is_mended_in_peace() -> None:
    said: list[str] = []
    log: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    with (
        pytest.raises(KeyboardInterrupt),
        Interrupts(said.append) as interrupts,
        interrupts.mended(fault(log, signal.SIGINT, signal.SIGTERM)),
    ):
        send(signal.SIGTERM)
    assert log == ["mended"]
    assert said == [SAID, SAID]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_comes_while_mending_is_heard_afterwards() -> None:
    said: list[str] = []
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt), Interrupts(said.append) as interrupts:
        with interrupts.mended(fault(log, signal.SIGINT)) as told:
            log.append(told)
        log.append("not reached")
    assert log == ["broken", "mended"]
    assert said == [SAID]


def test_a_failure_is_not_hidden_by_one() -> None:
    log: list[str] = []
    with (
        pytest.raises(RuntimeError),
        Interrupts(lambda text: None) as interrupts,
        interrupts.mended(fault(log, signal.SIGHUP)),
    ):
        raise RuntimeError
    assert log == ["mended"]


def test_without_signals_nothing_is_heard() -> None:
    log: list[str] = []
    with Interrupts(log.append) as interrupts, interrupts.mended(fault(log)):
        pass
    assert log == ["mended"]


def test_beside_the_main_thread_signals_are_somebody_elses() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def look() -> None:
        with Interrupts(lambda text: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(10)
    assert seen == [before]
