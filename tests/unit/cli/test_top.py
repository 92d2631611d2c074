"""`emini-rag top`: once without a terminal, and live at one."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ops.stack.process import wait_until
from service.cli import top as module
from service.errors import ErrorKind, ServiceError
from service.monitoring.fault import judge
from service.monitoring.port import LiveFigures
from tests.fakes.http_service import listening
from tests.fakes.services import SMALL, FakeServices
from tests.unit.cli.conftest import Shell
from tests.unit.monitoring.records import warm

LIVE = LiveFigures(15, 0.0, [4] * 60, [0.5] * 60, {SMALL: [1.5] * 60}, {SMALL: [40.0] * 60})


def test_without_a_terminal_it_is_printed_once(shell: Shell, service: Callable[[], str]) -> None:
    shell.fakes.monitor.figures = LIVE
    shell.fakes.slow_log.queries = [judge(warm(), {})]
    told = shell("top")
    assert told.exit_code == 0, told.output
    assert "16.0 a minute" in told.stdout
    assert "1 of 1" in told.stdout
    assert "cache miss" in told.stdout
    assert "q leaves" not in told.stdout
    assert shell.fakes.slow_log.asked == [(900.0, 5)]


def test_without_a_service_it_says_so(shell: Shell) -> None:
    assert shell("top").exit_code == 3


# Who starts the tests in the background has them ignore what Ctrl-C sends.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from service.cli.main import main
main()
"""


class AtTerminal:
    """The command as a process at a terminal of its own."""

    def __init__(self, url: str) -> None:
        self.types, end = pty.openpty()
        command = [sys.executable, "-c", _START, "top", "--every", "0.5", "--url", url]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        self.process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=environment)
        os.close(end)
        os.set_blocking(self.types, False)
        self.said = ""

    def says(self, words: str) -> bool:
        with suppress(OSError):
            self.said += os.read(self.types, 1 << 16).decode(errors="replace")
        return words in self.said

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)
        os.close(self.types)


@pytest.mark.parametrize("by_key", [True, False])
def test_at_a_terminal_it_lives_until_it_is_left(by_key: bool) -> None:
    fakes = FakeServices()
    fakes.monitor.figures = LIVE
    with listening(fakes) as url:
        shown = AtTerminal(url)
        try:
            wait_until(lambda: shown.says("q leaves"), 30, "the figures are shown")
            wait_until(lambda: len(fakes.slow_log.asked) >= 3, 30, "they are renewed")
            if by_key:
                os.write(shown.types, b"q")
            else:
                shown.process.send_signal(signal.SIGINT)
            assert shown.process.wait(10) == 0
        finally:
            shown.end()


def test_a_service_that_goes_away_is_waited_for(shell: Shell, service: Callable[[], str], monkeypatch: Any) -> None:
    """The live part with keys that the test presses."""
    import io
    from contextlib import contextmanager

    from rich.console import Console

    from service.cli.client import ServiceClient

    presses = iter(["", "", "q"])

    @contextmanager
    def keys() -> Any:
        yield lambda seconds: next(presses)

    monkeypatch.setattr(module, "keyboard", keys)
    out = Console(file=io.StringIO(), width=120, force_terminal=True)
    problems = [ServiceError(ErrorKind.SHUTTING_DOWN, "the service is stopping")]
    plain = shell.fakes.monitor.live

    def live() -> LiveFigures:
        if problems:
            raise problems.pop()
        return plain()

    shell.fakes.monitor.live = live  # type: ignore[method-assign]
    with ServiceClient(service()) as client:
        module._watch(out, client, "the first look", 0.0)
    said = out.file.getvalue()  # type: ignore[attr-defined]
    assert "these figures are old, trying again" in said
    assert said.index("the first look") < said.index("these figures are old") < said.index("a minute")
