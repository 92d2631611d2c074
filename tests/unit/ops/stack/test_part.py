"""A part: ready when it answers, ended in its own time, gone with whoever started it."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ops.stack.part import Part, Plan
from ops.stack.process import ComponentFailed, free_port, wait_until
from ops.stack.site import ROOT
from tests.fakes.stack_programs import FakePrograms
from tests.unit.ops.stack.samples import INHERITED

# Starts a part and is killed before it can end it.
SUPERVISOR = """\
import sys, time
from pathlib import Path
from ops.stack.part import Part, Plan
program, folder, url, path = sys.argv[1:]
command = (program, f"--web.listen-address={url.removeprefix('http://')}")
part = Part(Plan("prometheus", "", command, {"PATH": path}, Path(folder), url, url, ()))
part.start()
print(part.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def programs(tmp_path: Path) -> FakePrograms:
    return FakePrograms(tmp_path)


@pytest.fixture
def plan(tmp_path: Path, programs: FakePrograms) -> Plan:
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = (str(programs.find("prometheus")), f"--web.listen-address=127.0.0.1:{port}")
    return Plan("prometheus", "metrics", command, INHERITED, tmp_path / "prometheus", url, url + "/", (port,))


@pytest.fixture
def part(plan: Plan) -> Iterator[Part]:
    running = Part(plan)
    yield running
    running.kill()


def behaving(part: Part, **variables: str) -> Part:
    return Part(replace(part.plan, environment={**part.plan.environment, **variables}))


def test_is_started_when_it_can_be_used(part: Part, programs: FakePrograms) -> None:
    assert not part.ready
    with part:
        assert (part.running, part.ready, part.how_it_ended) == (True, True, "")
        assert programs.events == ["prometheus starts", "prometheus ready"]
    assert not part.running
    assert programs.events[-1] == "prometheus ends"


def test_comes_back_at_the_same_address_after_a_kill(part: Part, programs: FakePrograms) -> None:
    part.start()
    part.kill()
    part.start()
    assert part.ready
    assert programs.events.count("prometheus ready") == 2


def test_its_log_is_in_its_folder_and_it_runs_there_unless_told_otherwise(
    part: Part, plan: Plan, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for where, expected in ((None, plan.folder), (elsewhere, elsewhere)):
        shell = ("sh", "-c", "pwd; exit 3")
        here = Part(replace(plan, command=shell, runs_in=where))
        with pytest.raises(ComponentFailed, match="ended before"):
            here.start()
        assert here.log == plan.folder / "prometheus.log"
        assert here.log.read_text().splitlines()[-1] == str(expected)


def test_a_launch_does_not_wait(part: Part) -> None:
    slow = behaving(part, FAKE_SLOW_S="600")
    slow.launch()
    try:
        assert slow.running
        assert not slow.ready
    finally:
        slow.kill()


def test_says_how_it_ended(part: Part, plan: Plan) -> None:
    failing = Part(replace(plan, command=("sh", "-c", "exit 3")))
    failing.launch()
    wait_until(lambda: not failing.running, 20, "it ends")
    assert failing.how_it_ended == "with status 3"
    killed = Part(replace(plan, command=("sh", "-c", "kill -9 $$")))
    killed.launch()
    wait_until(lambda: not killed.running, 20, "it is killed")
    assert killed.how_it_ended == "by SIGKILL"
    failing.kill()
    killed.kill()


def test_a_remedy_is_told_where_one_is_known(part: Part, plan: Plan) -> None:
    remedies = {"invalid database": "Move it aside.", "no space": "Make room."}
    failing = behaving(Part(replace(plan, remedies=remedies)), FAKE_SAYS="cannot open: invalid database")
    with pytest.raises(ComponentFailed) as failed:
        failing.start()
    assert str(failed.value).endswith("cannot open: invalid database\nMove it aside.")
    assert failing.tail(1).endswith("invalid database\nMove it aside.")


def test_one_that_does_not_end_is_ended_by_force(part: Part, plan: Plan, programs: FakePrograms) -> None:
    stubborn = behaving(Part(replace(plan, grace_s=0.2)), FAKE_STUBBORN="1")
    stubborn.start()
    stubborn.stop()
    assert programs.events[-1] == "prometheus is asked to end"
    assert not stubborn.running


@pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="no `setpriv` (util-linux), which binds parts to their stack"
)
def test_ends_with_the_process_that_started_it(plan: Plan, programs: FakePrograms) -> None:
    words = [plan.command[0], str(plan.folder), plan.url, INHERITED["PATH"]]
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, *words], env={**INHERITED, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout is not None
        assert int(supervisor.stdout.readline())
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait(10)
    programs.saw("prometheus ends")
