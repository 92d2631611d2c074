"""The command: what it is given, how it ends, and with which status."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ops.stack.__main__ import _line, main
from ops.stack.ports import DEVELOPMENT, PRODUCTION
from ops.stack.process import wait_until
from ops.stack.site import ROOT
from ops.stack.stack import Stack, StackFailed
from tests.fakes.stack_programs import FakePrograms

END_S = 20.0
# The command with fake programs and free ports. Arguments: their folder, the data folder, more for single parts as
# JSON, and a signal that it is to find ignored, or 0.
RUNNER = """\
import json, signal, sys
from pathlib import Path
from ops.stack.__main__ import main
from ops.stack.ports import Ports
from ops.stack.stack import Stack
programs, data, extra, ignored = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
def build(folder, ports, environment, **rest):
    return Stack(folder, Ports.free(), environment, **rest, extra=extra, find_program=lambda name: programs / name)
if ignored:
    signal.signal(ignored, signal.SIG_IGN)
sys.exit(main(["--data", data, "--without", "grafana"], build=build))
"""
ORDER = ["prometheus", "alertmanager", "tempo", "ollama", "otelcol", "service"]


class Refused:
    """A stack that cannot be started; keeps what it was to be built from."""

    def __init__(self) -> None:
        self.given: tuple[Any, ...] = ()
        self.fields: dict[str, Any] = {}

    def __call__(self, *given: Any, **fields: Any) -> Stack:
        self.given, self.fields = given, fields
        raise StackFailed("port 9090, which prometheus needs, is taken by [red]nobody[/red]")


class Gone(io.StringIO):
    """A terminal that was closed."""

    refused = 0

    def write(self, text: str) -> int:
        self.refused += 1
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class Running:
    """The command in a process of its own, and what it has printed so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def said(self) -> str:
        return self._output.read_text()

    def says(self, words: str) -> None:
        wait_until(lambda: words in self.said, END_S, words)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(END_S)


@pytest.fixture
def programs(tmp_path: Path) -> FakePrograms:
    return FakePrograms(tmp_path)


@contextmanager
def running(
    programs: FakePrograms, folder: Path, ignored: int = 0, **behaviour: Mapping[str, str]
) -> Iterator[Running]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    words = [str(programs.folder), str(folder / "data"), json.dumps(programs.extra(**behaviour)), str(int(ignored))]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, *words], env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        yield Running(process, folder / "output")
    finally:
        # Its parts end with it, or have ended before.
        process.kill()
        process.wait(END_S)


@pytest.mark.parametrize("words", [["--environment", "staging"], ["--without", "service"], ["--port", "1"]])
def test_a_wrong_command_line_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(words, {}, Refused())
    assert refused.value.code == 2


@pytest.mark.parametrize(
    ("words", "variables", "folder", "ports"),
    [
        ([], {}, "data", PRODUCTION),
        (["--environment", "development"], {}, "data-dev", DEVELOPMENT),
        ([], {"RAG_DATA_DIR": "elsewhere"}, "elsewhere", PRODUCTION),
        (["--data", "given"], {"RAG_DATA_DIR": "elsewhere"}, "given", PRODUCTION),
        (["--environment", "development"], {"RAG_DATA_DIR": "productions"}, "data-dev", DEVELOPMENT),
        (["--environment", "development", "--data", "given"], {"RAG_DATA_DIR": "productions"}, "given", DEVELOPMENT),
    ],
)
def test_the_folder_and_the_ports_are_those_asked_for(
    words: list[str], variables: dict[str, str], folder: str, ports: object
) -> None:
    refused = Refused()
    main(words, variables, refused)
    assert refused.given[:2] == (Path(folder) / "stack", ports)
    assert (refused.fields["data"], refused.fields["inherited"]) == (Path(folder), variables)


def test_documents_and_unwanted_parts_are_passed_on(tmp_path: Path) -> None:
    refused = Refused()
    main(["--documents", str(tmp_path)], {"RAG_DOCUMENTS_DIR": "texts"}, refused)
    assert refused.fields["documents"] == tmp_path
    main(["--without", "tempo", "--without", "ollama"], {"RAG_DOCUMENTS_DIR": "texts"}, refused)
    assert (refused.fields["documents"], refused.fields["without"]) == (Path("texts"), ["tempo", "ollama"])
    main([], {}, refused)
    assert refused.fields["documents"] == ROOT / "documents"


def test_a_folder_of_documents_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--documents", str(tmp_path / "typo")], {}, Refused())
    assert refused.value.code == 2
    assert f"--documents {tmp_path / 'typo'}: there is no such folder" in capsys.readouterr().err


def test_a_start_that_fails_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert main([], {}, Refused()) == 1
    said = capsys.readouterr()
    assert said.err == "port 9090, which prometheus needs, is taken by [red]nobody[/red]\n"
    assert said.out == ""
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_in_order_when_asked_to(number: int, tmp_path: Path, programs: FakePrograms) -> None:
    with running(programs, tmp_path) as command:
        command.says("End:    Ctrl-C")
        assert command.end(number) == 0
    assert programs.events[-len(ORDER) :] == [f"{name} ends" for name in reversed(ORDER)]
    assert "Traceback" not in command.said


def test_asked_to_end_while_it_starts_it_ends_what_it_has_started(tmp_path: Path, programs: FakePrograms) -> None:
    with running(programs, tmp_path, otelcol={"FAKE_SLOW_S": "600"}) as command:
        programs.saw("otelcol starts")
        assert command.end() == 0
    assert "service starts" not in programs.events
    assert programs.events[-1] == "prometheus ends"
    assert "Traceback" not in command.said


def test_a_terminal_that_is_gone_is_no_reason_to_end() -> None:
    gone = Gone()
    _line(Console(file=gone), "prometheus runs again")
    assert gone.refused


def test_asked_a_second_time_it_ends_at_once(tmp_path: Path, programs: FakePrograms) -> None:
    with running(programs, tmp_path, ollama={"FAKE_STUBBORN": "1"}) as command:
        command.says("End:    Ctrl-C")
        command.process.send_signal(signal.SIGTERM)
        programs.saw("ollama is asked to end")
        assert command.end() == 0
    assert "prometheus ends" not in programs.events
    assert "ending the rest at once" in command.said


def test_what_ends_is_started_again_even_with_the_terminal_gone(tmp_path: Path, programs: FakePrograms) -> None:
    with running(programs, tmp_path, ignored=signal.SIGHUP) as command:
        command.says("End:    Ctrl-C")
        command.process.send_signal(signal.SIGHUP)
        log = tmp_path / "data" / "stack" / "prometheus" / "prometheus.log"
        assert log.read_text() == "up\n"
        os.kill(_pid_of(command.process.pid, "prometheus"), signal.SIGKILL)
        programs.saw("prometheus ready", times=2)
        command.says("prometheus runs again")
        assert "prometheus has ended by SIGKILL; it is started again now" in command.said
        assert command.end() == 0


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no `setpriv` (util-linux), which binds a part")
def test_killed_it_leaves_nothing_behind(tmp_path: Path, programs: FakePrograms) -> None:
    with running(programs, tmp_path) as command:
        command.says("End:    Ctrl-C")
        command.end(signal.SIGKILL)
        for name in ORDER:
            programs.saw(f"{name} ends")


def _pid_of(parent: int, name: str) -> int:
    """The part `name` of the command."""
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in children.read_text().split():
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                return int(pid)
    pytest.fail(f"no {name}")
